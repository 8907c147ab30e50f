// Where the robot has been while this page was open: the poses that it told.

import { effect, signal } from "@preact/signals";

import { sections } from "./state";

export interface Place { x: number; y: number }

/** Ten minutes of driving. */
const MOST = 600;
/** Metres that count as another place. */
const APART_M = 0.01;

export const trail = signal<readonly Place[]>([]);

/** To be called once. */
export function followRobot(): void {
  effect(() => {
    const pose = sections.telemetry.value?.pose;
    if (!pose) return;
    const places = trail.peek(), last = places[places.length - 1];
    if (last && Math.hypot(pose.x_m - last.x, pose.y_m - last.y) < APART_M) return;
    trail.value = [...places, { x: pose.x_m, y: pose.y_m }].slice(-MOST);
  });
}
