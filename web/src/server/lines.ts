// The lines of a conversation: what a person said, and what was answered.

/** `state`: of an answer, whether it is still being written, or was broken off. */
export interface Line {
  key: number; who: "person" | "robot"; text: string; state: "writing" | "done" | "broken"; provider: string; mock: boolean; job: string;
  /** Times of the steps in ms, by their names. */
  steps: Record<string, number>;
}

/** Mark the last complete answer as broken off: its playback was stopped. */
export function withBrokenAnswer(lines: readonly Line[]): readonly Line[] {
  const answer = lines.map((line) => line.who).lastIndexOf("robot");
  return lines.map((line, at) => (at === answer && line.state === "done" ? { ...line, state: "broken" } : line));
}
