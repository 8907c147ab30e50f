// A picture with a box around each object that was found in it.

import type { VNode } from "preact";

import { strings } from "../strings";
import { useBlob } from "./content";

export interface DetectedObject { label: string; score: number; box: [number, number, number, number] }

interface DetectionsProps { image: string; objects: readonly DetectedObject[]; width: number; height: number }

/** `image` is a JPEG picture in base64, `width` and `height` its size in pixels, which the boxes are in. */
export function Detections({ image, objects, width, height }: DetectionsProps): VNode {
  const url = useBlob(image, "image/jpeg");
  const text = Math.max(12, width / 40);
  return (
    <figure class="detections">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={strings.providers.found(objects.map((each) => each.label).join(", "))}>
        <image href={url} width={width} height={height} />
        {objects.map(({ label, score, box: [left, top, right, bottom] }, index) => (
          <g key={index} class={`box hue-${index % 5}`}>
            <rect x={left} y={top} width={right - left} height={bottom - top} stroke-width={Math.max(2, width / 300)} />
            <text x={left + text / 3} y={Math.max(top + text, text)} font-size={text} stroke-width={text / 4}>{`${label} ${Math.round(score * 100)} %`}</text>
          </g>
        ))}
      </svg>
      <figcaption class="soft">{strings.providers.found(objects.map((each) => each.label).join(", "))}</figcaption>
    </figure>
  );
}
