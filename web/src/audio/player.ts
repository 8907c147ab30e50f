// Plays one sound at a time out of the panel's files: a second one stops the first.

import { signal } from "@preact/signals";

/** The address of the sound that is playing; empty: none is. */
export const playing = signal("");

let audio: HTMLAudioElement | null = null;

/** Play the sound at that address, or stop it where it is playing. Resolves to whether it could be played. */
export async function toggle(url: string): Promise<boolean> {
  const stops = playing.value === url;
  audio?.pause();
  playing.value = "";
  if (stops) return true;
  const own = audio = new Audio(url);
  own.addEventListener("ended", () => {
    if (audio === own) playing.value = "";
  });
  playing.value = url;
  try {
    await own.play();
  } catch (error) {
    // Interrupted by another sound: that one plays.
    if (audio !== own || (error as DOMException).name === "AbortError") return true;
    playing.value = "";
    return false;
  }
  return true;
}
