// The browser's microphone: its sound at 16 kHz while it is open.

import { ROOT } from "../server/root";
import { strings } from "../strings";

const words = strings.talkPage;

export interface Piece { pcm: ArrayBuffer; loudness: number }

/** Why there is no sound, in words. */
export class NoMicrophone extends Error {}

/** Opens it, which asks the person. Returns how to close it. Throws `NoMicrophone`. */
export async function openMicrophone(onPiece: (piece: Piece) => void): Promise<() => void> {
  // Browsers lend microphones to pages of localhost and of HTTPS only.
  if (!navigator.mediaDevices) throw new NoMicrophone(words.insecure);
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new NoMicrophone((error as DOMException).name === "NotFoundError" ? words.noMicrophone : words.notAllowed);
  }
  const context = new AudioContext();
  const close = (): void => {
    stream.getTracks().forEach((track) => track.stop());
    void context.close();
  };
  try {
    await context.audioWorklet.addModule(`${ROOT}/static/microphone.js?v=${document.body.dataset.build}`);
    const node = new AudioWorkletNode(context, "microphone");
    node.port.onmessage = ({ data }: MessageEvent<Piece>) => onPiece(data);
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    return () => {
      node.port.onmessage = null;
      close();
    };
  } catch (error) {
    close();
    throw new NoMicrophone(String(error));
  }
}
