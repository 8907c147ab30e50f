// How something is: the colour and the shape of its sign.

export type Tone = "good" | "warn" | "bad" | "quiet" | "busy";
