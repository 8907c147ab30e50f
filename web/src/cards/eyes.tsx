// The robot's eyes: the camera's picture with a box around each object, its number and its distance.

import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { distance, milliseconds } from "../format";
import { Card, Empty, MockBadge } from "../parts/card";
import { refusedWith, shown, watchCamera } from "../server/camera";
import type { SeenObject, Shown } from "../server/camera";
import { clock, sections } from "../server/state";
import { strings } from "../strings";

const words = strings.eyes;
/** A picture that is older, in seconds, is not what the robot sees now. */
const OLD_S = 4;

export function EyesCard(): VNode {
  useEffect(() => watchCamera(), []);
  const now = shown.value;
  const isOld = now !== null && clock.value - now.frame.arrived_ts > OLD_S;
  return (
    <Card id="eyes" heading={words.heading} aside={now && !isOld && <Figures now={now} />}>
      {now && !isOld ? <Picture now={now} /> : <Empty text={refusedWith.value || reason()} />}
    </Card>
  );
}

/** Why there is no picture. */
function reason(): string {
  const vision = sections.robot.value?.domains?.["vision"];
  return vision && vision.mode !== "pc" ? words.served : words.none;
}

function Figures({ now: { frame, lagMs } }: { now: Shown }): VNode {
  return (
    <span class="soft">
      {frame.provider}<MockBadge mock={frame.mock} /> · {words.lag(milliseconds(lagMs))}
    </span>
  );
}

function Picture({ now: { frame, picture } }: { now: Shown }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current!;
    if (element.width !== picture.width || element.height !== picture.height) {
      element.width = picture.width;
      element.height = picture.height;
    }
    element.getContext("2d")!.drawImage(picture, 0, 0);
  }, [picture]);
  const { width, height, objects, problem } = frame;
  return (
    <figure class="eyes">
      <div class="frame" style={{ aspectRatio: `${width} / ${height}` }}>
        <canvas ref={canvas} role="img" aria-label={words.described(objects.map((each) => each.label).join(", "))} />
        <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {objects.map((each, index) => <Box key={each.id || `new ${index}`} object={each} width={width} />)}
        </svg>
      </div>
      <figcaption class="soft">{problem || words.described(objects.map((each) => each.label).join(", "))}</figcaption>
    </figure>
  );
}

function Box({ object: { id, label, box: [left, top, right, bottom], distance_m: metres, confirmed }, width }: { object: SeenObject; width: number }): VNode {
  const text = Math.max(12, width / 36);
  return (
    <g class={`box hue-${id % 5}${confirmed ? "" : " unsure"}`}>
      <rect x={left} y={top} width={right - left} height={bottom - top} stroke-width={Math.max(2, width / 260)} />
      <text x={left + text / 3} y={top + text * 1.05} font-size={text} stroke-width={text / 4}>
        {`${label}${id ? ` #${id}` : ""} · ${distance(metres)}`}
      </text>
    </g>
  );
}
