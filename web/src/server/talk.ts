// A conversation with the robot's mind through this browser.

import { signal } from "@preact/signals";
import { io } from "socket.io-client";

import { language } from "../strings";
import { Loudspeaker } from "../audio/loudspeaker";
import { withBrokenAnswer } from "./lines";
import type { Line } from "./lines";
import { ROOT } from "./root";

/** What the panel's process says; each has what the event of its name has (rider_core/api/events.py). */
interface Heard { text: string; no_speech: boolean; latency_s: number; provider: string; mock: boolean }
interface Reply { text: string; interrupted: boolean; first_sentence_ms: number; duration_ms: number; provider: string | null; mock: boolean | null }
interface Spoken { first_chunk_ms: number }

const MOST_LINES = 200;
/** After a refusal, as by four browsers that talk already, it asks again, in ms. */
const REFUSED_MS = 3_000;

/** One conversation, from its page's opening to its closing. */
export class Talk {
  readonly lines = signal<readonly Line[]>([]);
  readonly isLive = signal(false);
  readonly isSpeaking = signal(false);
  readonly isThinking = signal(false);
  /** Why something did not work; empty: it did. */
  readonly trouble = signal("");
  readonly speaker = new Loudspeaker((isPlaying) => (this.isSpeaking.value = isPlaying));
  private readonly socket = io("/talk", { path: `${ROOT}/socket.io`, auth: { language }, reconnectionDelayMax: 3000 });
  private latest = 0;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.socket.on("connect", () => {
      this.isLive.value = true;
      this.trouble.value = "";
    });
    this.socket.on("disconnect", () => (this.isLive.value = false));
    this.socket.on("connect_error", (error) => {
      this.isLive.value = false;
      if (this.socket.active) return;  // it tries again by itself
      this.trouble.value = error.message;
      this.again = setTimeout(() => this.socket.connect(), REFUSED_MS);
    });
    this.socket.on("trouble", ({ message }: { message: string }) => {
      this.trouble.value = message;
      this.isThinking.value = false;
    });
    this.socket.on("robot.transcript", (heard: Heard) => this.onHeard(heard));
    this.socket.on("written", ({ text, job }: { text: string; job: string }) => this.onWritten(text, job));
    this.socket.on("robot.reply", (reply: Reply) => this.onReply(reply));
    this.socket.on("robot.speech", ({ first_chunk_ms: ms }: Spoken) => this.step("sound", ms));
    this.socket.on("sound", (_: unknown, wav: ArrayBuffer) => this.speaker.play(wav));
    this.socket.on("hush", () => this.breakOff());
  }

  /** The microphone's next samples. */
  hear(pcm: ArrayBuffer): void {
    if (this.isLive.value) this.socket.volatile.emit("hear", pcm);
  }

  ask(text: string): void {
    this.breakOff();  // the server does so by itself
    this.add({ who: "person", text, state: "done", provider: "", mock: false, job: "", steps: {} });
    this.isThinking.value = true;
    this.trouble.value = "";
    this.socket.emit("ask", text);
  }

  hush(): void {
    this.breakOff();
    this.socket.emit("hush");
  }

  close(): void {
    clearTimeout(this.again);
    this.socket.disconnect();
    this.speaker.close();
  }

  /** Stop the playback. The server cancels an answer that is still being written. */
  private breakOff(): void {
    if (this.isSpeaking.value) this.lines.value = withBrokenAnswer(this.lines.value);
    this.speaker.hush();
  }

  private onHeard({ text, no_speech: silent, latency_s: s, provider, mock }: Heard): void {
    if (silent || !text) return;
    this.trouble.value = "";
    this.add({ who: "person", text, state: "done", provider, mock, job: "", steps: { heard: s * 1000 } });
    this.isThinking.value = true;
  }

  private onWritten(part: string, job: string): void {
    const lines = this.lines.value, last = lines[lines.length - 1];
    if (last?.job === job) this.change(lines.length - 1, { text: last.text + part });
    // What still comes of an answer that was broken off by the next question is not shown.
    else if (!lines.some((line) => line.job === job)) {
      this.isThinking.value = false;
      this.add({ who: "robot", text: part.trimStart(), state: "writing", provider: "", mock: false, job, steps: {} });
    }
  }

  private onReply(reply: Reply): void {
    this.isThinking.value = this.isThinking.value && reply.interrupted;
    const index = this.lines.value.findIndex((line) => line.state === "writing");
    const line = this.lines.value[index];
    if (line) {
      this.change(index, {
        state: reply.interrupted ? "broken" : "done", provider: reply.provider ?? "", mock: reply.mock === true,
        steps: { ...line.steps, sentence: reply.first_sentence_ms, written: reply.duration_ms },
      });
    }
  }

  /** The first time of a step counts: the first sentence's sound. */
  private step(name: string, ms: number): void {
    const index = this.lines.value.length - 1, last = this.lines.value[index];
    if (last?.who === "robot" && !(name in last.steps)) this.change(index, { steps: { ...last.steps, [name]: ms } });
  }

  private add(line: Omit<Line, "key">): void {
    this.lines.value = [...this.lines.value, { ...line, key: ++this.latest }].slice(-MOST_LINES);
  }

  private change(index: number, changes: Partial<Line>): void {
    this.lines.value = this.lines.value.map((line, at) => (at === index ? { ...line, ...changes } : line));
  }
}
