// What the robot's camera sees, while a page shows it: the next picture comes after the last one was drawn.

import { signal } from "@preact/signals";
import { io } from "socket.io-client";
import type { Socket } from "socket.io-client";

import { strings } from "../strings";
import { ROOT } from "./root";
import { serverNow } from "./state";

export interface SeenObject {
  id: number; label: string; score: number; box: [number, number, number, number]; distance_m: number; confirmed: boolean;
}

/** `problem`: why nothing was looked for in it; empty: it was. */
export interface SeenFrame {
  width: number; height: number; arrived_ts: number; provider: string; mock: boolean; problem: string; objects: SeenObject[];
}

/** `lagMs`: from the frame's arrival at the PC to this page. */
export interface Shown { frame: SeenFrame; picture: ImageBitmap; lagMs: number }

export const shown = signal<Shown | null>(null);
/** Why the panel shows nothing; empty: it does, or there is nothing to show. */
export const refusedWith = signal("");

let socket: Socket | null = null;
let watchers = 0;

/** Show the camera until the returned function is called. A hidden tab gets no pictures. */
export function watchCamera(): () => void {
  if (++watchers === 1) document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    if (--watchers === 0) document.removeEventListener("visibilitychange", follow);
    follow();
  };
}

function follow(): void {
  const wanted = watchers > 0 && !document.hidden;
  if (wanted && !socket) {
    socket = io("/camera", { path: `${ROOT}/socket.io`, reconnectionDelayMax: 3000 });
    socket.on("connect", () => (refusedWith.value = ""));
    // The panel closes it where another person has no browser yet, and this one has many.
    socket.on("disconnect", (reason) => {
      if (reason === "io server disconnect") refusedWith.value = strings.eyes.displaced;
    });
    socket.on("connect_error", (error) => (refusedWith.value = socket?.active ? "" : error.message));
    socket.on("frame", (frame: SeenFrame, jpeg: ArrayBuffer, drawn: () => void) => void draw(frame, jpeg).finally(drawn));
  } else if (!wanted && socket) {
    socket.disconnect();
    socket = null;
    shown.value?.picture.close();
    shown.value = null;
  }
}

async function draw(frame: SeenFrame, jpeg: ArrayBuffer): Promise<void> {
  const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })).catch(() => null);
  if (!picture) return;
  if (!socket) return picture.close();
  shown.value?.picture.close();
  shown.value = { frame, picture, lagMs: Math.max(0, (serverNow() - frame.arrived_ts) * 1000) };
  // The next one when this one is on the screen.
  await new Promise((resolve) => requestAnimationFrame(resolve));
}
