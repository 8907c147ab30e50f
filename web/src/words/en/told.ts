// Translations of the processes' sentences. They are English already, so English has none.

/** The pattern of a whole sentence, and its translation. `$1` inserts a group unchanged, `{1}` inserts its translation. */
export type ToldSentence = readonly [RegExp, string];

export const told: readonly ToldSentence[] = [];
