// Show it something: the webcam's pictures, or one from a file, with a box around each object.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { milliseconds } from "../../format";
import { Card, Icon, MockBadge } from "../../parts/card";
import { Detections } from "../../parts/detections";
import type { DetectedObject } from "../../parts/detections";
import { base64Of, jpegOf } from "../../parts/files";
import { runJob } from "../../server/jobs";
import type { Job } from "../../server/resources";
import { Problem } from "../../server/rest";
import { strings } from "../../strings";

const words = strings.talkPage;
/** Width of the webcam's pictures, in pixels; two of them a second are looked at. */
const WIDTH = 640;
const EVERY_MS = 500;

interface Seen { image: string; job: Job; ms: number }

export function WebcamCard(): VNode {
  const seen = useSignal<Seen | null>(null);
  const problem = useSignal("");
  const isOpen = useSignal(false);
  const stream = useRef<MediaStream | null>(null);
  const video = useRef<HTMLVideoElement>(null);

  const look = async (image: string): Promise<void> => {
    const begin = performance.now();
    try {
      const job = await runJob({ task: "vision.detect", payload: { image }, origin: "browser", priority: "normal" });
      if (job.problem) problem.value = job.problem.message;
      else {
        seen.value = { image, job, ms: performance.now() - begin };
        problem.value = "";
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error.message;
    }
  };
  /** Grows when the camera is opened or closed: what was asked for before is closed as soon as it is there. */
  const turn = useRef(0);
  const close = (): void => {
    turn.current++;
    stream.current?.getTracks().forEach((track) => track.stop());
    stream.current = null;
    isOpen.value = false;
  };
  useEffect(() => close, []);

  const open = async (): Promise<void> => {
    if (!navigator.mediaDevices) {
      problem.value = words.insecure;
      return;
    }
    close();
    const own = turn.current;
    let camera: MediaStream;
    try {
      camera = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH } } });
    } catch (error) {
      problem.value = (error as DOMException).name === "NotFoundError" ? words.noCamera : words.notAllowed;
      return;
    }
    const element = video.current;
    if (own !== turn.current || !element) {
      camera.getTracks().forEach((track) => track.stop());
      return;
    }
    stream.current = camera;
    isOpen.value = true;
    element.srcObject = camera;
    await element.play();
    const canvas = document.createElement("canvas");
    while (own === turn.current) {
      const next = new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (!document.hidden) {
        canvas.width = WIDTH;
        canvas.height = Math.round((WIDTH * element.videoHeight) / Math.max(1, element.videoWidth));
        canvas.getContext("2d")!.drawImage(element, 0, 0, canvas.width, canvas.height);
        const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
        if (blob && own === turn.current) await look(await base64Of(blob));
      }
      await next;
    }
  };
  const choose = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    close();
    const image = await jpegOf(file).catch(() => "");
    if (image) await look(image);
    else problem.value = strings.providers.noPicture(file.name);
  };

  const result = seen.value?.job.result;
  return (
    <Card id="webcam" heading={words.show} aside={seen.value && (
      <span class="soft">{seen.value.job.provider}<MockBadge mock={seen.value.job.mock} /> {milliseconds(seen.value.ms)}</span>
    )}>
      <video ref={video} muted playsInline hidden />
      {result && Array.isArray(result["objects"])
        ? <Detections image={seen.value!.image} objects={result["objects"] as DetectedObject[]} width={Number(result["width"])} height={Number(result["height"])} />
        : <p class="empty">{words.showEmpty}</p>}
      {problem.value && <p class="trouble mild" role="alert"><Icon tone="warn" /><span>{problem.value}</span></p>}
      <div class="buttons">
        <button type="button" class="usual" aria-pressed={isOpen.value} onClick={() => (isOpen.value ? close() : void open())}>{isOpen.value ? words.closeCamera : words.openCamera}</button>
        <label class="file small">{words.choosePicture}
          <input type="file" accept="image/*" onChange={({ currentTarget }) => void choose(currentTarget.files?.[0]).then(() => (currentTarget.value = ""))} />
        </label>
      </div>
    </Card>
  );
}
