// The microphone's button: hold it (or the key T) to talk, or let it listen by itself.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { NoMicrophone, openMicrophone } from "../../audio/microphone";
import type { Talk } from "../../server/talk";
import { strings } from "../../strings";

const words = strings.talkPage;
/** After the button is let go, this much silence tells the server that the sentence has ended, in pieces of 0.1 s. */
const SILENT_PIECES = 9;
const SILENCE = new Int16Array(1_600);

const KEY = "KeyT";

type Mode = "hold" | "free";

export function MicrophoneControl({ talk }: { talk: Talk }): VNode {
  const mode = useSignal<Mode>("hold");
  const isOpen = useSignal(false);
  const loudness = useSignal(0);
  const close = useRef<(() => void) | null>(null);
  /** Grows with each press and each release: what was asked for before the last one is closed as soon as it is there. */
  const turn = useRef(0);

  const open = async (): Promise<void> => {
    const own = ++turn.current;
    talk.speaker.unlock();
    talk.hush();
    try {
      const closing = await openMicrophone(({ pcm, loudness: level }) => {
        loudness.value = level;
        talk.hear(pcm);
      });
      if (own !== turn.current) return closing();
      close.current = closing;
      isOpen.value = true;
      talk.trouble.value = "";
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      talk.trouble.value = error.message;
    }
  };
  const end = (): void => {
    turn.current++;
    if (!close.current) return;
    close.current();
    close.current = null;
    isOpen.value = false;
    loudness.value = 0;
    for (let piece = 0; piece < SILENT_PIECES; piece++) talk.hear(SILENCE.buffer.slice(0));
  };
  const press = (): void => {
    if (mode.value === "hold" && !close.current) void open();
  };
  const release = (): void => {
    if (mode.value === "hold") end();
  };
  useEffect(() => end, []);

  // The key, where nothing is typed. The space bar stops the robot.
  useEffect(() => {
    const typed = (target: EventTarget | null): boolean => target instanceof Element && target.closest("input, textarea, select") !== null;
    const down = (event: KeyboardEvent): void => {
      if (event.code === KEY && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey && !typed(event.target)) press();
    };
    const up = (event: KeyboardEvent): void => {
      if (event.code === KEY) release();
    };
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    addEventListener("blur", release);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", release);
    };
  }, []);

  const free = mode.value === "free";
  const toggle = (): void => (isOpen.value ? end() : void open());
  return (
    <div class="microphone">
      <button
        type="button" class={`record${isOpen.value ? " open" : ""}`} aria-pressed={isOpen.value} style={{ "--loud": String(Math.min(1, loudness.value * 6)) }}
        aria-label={free ? (isOpen.value ? words.stopListening : words.listen) : words.hold} title={free ? words.listen : words.hold}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          press();
        }}
        onPointerUp={release} onPointerCancel={release}
        onKeyDown={(event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          if (event.repeat) return;
          if (mode.value === "hold") press();
          else toggle();
        }}
        onKeyUp={(event) => (event.key === "Enter" || event.key === " ") && release()}
        onClick={() => free && toggle()}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM6 11.5a6 6 0 0 0 12 0M12 17.5V21" /></svg>
      </button>
      <span class="switch" role="group" aria-label={words.mode}>
        {(["hold", "free"] as const).map((each) => (
          <button type="button" key={each} aria-pressed={mode.value === each} onClick={() => {
            end();
            mode.value = each;
          }}>{words.modes[each]}</button>
        ))}
      </span>
    </div>
  );
}
