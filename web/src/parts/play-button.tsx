// A small round button that plays a job's sound, and stops it.

import type { VNode } from "preact";

import { playing, toggle } from "../audio/player";
import { mediaOf } from "../server/resources";
import type { MediaKind } from "../server/resources";
import { clock, sections } from "../server/state";
import { strings } from "../strings";
import { notify } from "./notices";

interface PlayButtonProps { job: string; kind: MediaKind; ts: number }

/** Nothing where the panel keeps no such sound, or not for so long. */
export function PlayButton({ job, kind, ts }: PlayButtonProps): VNode | null {
  const kept = sections.kept.value;
  if (!job || !kept?.kinds.includes(kind) || clock.value - ts > kept.age_s) return null;
  const url = mediaOf(job, kind), isPlaying = playing.value === url;
  const play = async (): Promise<void> => {
    if (!(await toggle(url))) notify(strings.actions.soundGone, "warn");
  };
  const name = isPlaying ? strings.actions.stopSound : strings.actions.play;
  return (
    <button type="button" class="play" aria-label={name} title={name} onClick={() => void play()}>
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d={isPlaying ? "M4.5 4.5h7v7h-7z" : "M5.5 3.5v9l7-4.5z"} /></svg>
    </button>
  );
}
