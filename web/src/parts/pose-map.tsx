// The robot from above: where it is, where it looks, and the way that it has come while this page was open. Ahead of its
// start is up.

import type { VNode } from "preact";

import { degrees, distance } from "../format";
import type { Telemetry } from "../server/messages";
import { trail } from "../server/trail";
import { strings } from "../strings";

/** Half of the drawing's width; the robot is drawn within 8 of it. */
const HALF = 50;
const EDGE = 9;
/** Metres from the middle to the edge: the drawing has at least the first, and takes the next that has room for all. */
const REACHES = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];

export function PoseMap({ pose, moving, old }: { pose: NonNullable<Telemetry["pose"]>; moving: boolean; old: boolean }): VNode {
  const places = [...trail.value, { x: pose.x_m, y: pose.y_m }];
  const furthest = Math.max(...places.map(({ x, y }) => Math.max(Math.abs(x), Math.abs(y))));
  const reach = REACHES.find((each) => each >= furthest) ?? furthest;
  const scale = (HALF - EDGE) / reach;
  const at = ({ x, y }: { x: number; y: number }): string => `${(-y * scale).toFixed(1)},${(-x * scale).toFixed(1)}`;
  const described = strings.telemetry.described(distance(pose.x_m), distance(pose.y_m), degrees(pose.heading_deg));
  return (
    <figure class={old ? "pose-map old" : "pose-map"}>
      <svg viewBox={`${-HALF} ${-HALF} ${2 * HALF} ${2 * HALF}`} role="img" aria-label={described}>
        <g class="grid">
          {[1, 0.5].map((part) => <circle key={part} r={part * (HALF - EDGE)} />)}
          <path d={`M0 ${-HALF + EDGE}V${HALF - EDGE}M${-HALF + EDGE} 0H${HALF - EDGE}`} />
        </g>
        <polyline class="way" points={places.map(at).join(" ")} />
        <g class={moving ? "body moving" : "body"} transform={`translate(${at({ x: pose.x_m, y: pose.y_m })}) rotate(${-pose.heading_deg})`}>
          <path d="M0 -8 5.5 6 0 3.4 -5.5 6Z" />
        </g>
      </svg>
      <figcaption class="soft">{strings.telemetry.reach(reach)}</figcaption>
    </figure>
  );
}
