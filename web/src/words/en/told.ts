// Sentences that the processes tell, in another language than theirs. English is theirs.

/** A pattern of a whole sentence and what is said instead: `$1` is a part as it was told, `{1}` one that is translated, too. */
export type ToldSentence = readonly [RegExp, string];

export const told: readonly ToldSentence[] = [];
