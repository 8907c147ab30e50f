// The microphone's samples become 16 kHz in the browser's audio thread.

import assert from "node:assert/strict";
import { test } from "node:test";

interface Piece { pcm: ArrayBuffer; loudness: number }
interface Processor { process(inputs: Float32Array[][]): boolean; port: { postMessage: (piece: Piece) => void } }

let made: new () => Processor;
Object.assign(globalThis, {
  AudioWorkletProcessor: class { port = { postMessage: (): void => undefined }; },
  registerProcessor: (_: string, processor: new () => Processor) => { made = processor; },
});
await import("../src/audio/microphone.worklet");

/** The pieces that come of a second of `wave` at that rate, which arrives in blocks of 128. */
function heard(rate: number, wave: (timeS: number) => number, seconds = 1): { samples: Int16Array; pieces: Piece[] } {
  Object.assign(globalThis, { sampleRate: rate });
  const processor = new made(), pieces: Piece[] = [];
  processor.port.postMessage = (piece) => { pieces.push(piece); };
  const all = Float32Array.from({ length: rate * seconds }, (_, index) => wave(index / rate));
  for (let start = 0; start < all.length; start += 128) assert.equal(processor.process([[all.subarray(start, start + 128)]]), true);
  return { samples: Int16Array.from(pieces.flatMap((piece) => [...new Int16Array(piece.pcm)])), pieces };
}

for (const rate of [16_000, 44_100, 48_000, 96_000]) {
  test(`a second at ${rate} Hz is ten pieces of a tenth of a second`, () => {
    const { pieces, samples } = heard(rate, () => 0.5);
    assert.deepEqual([pieces.length, samples.length], [10, 16_000]);
    assert.ok(samples.every((sample) => Math.abs(sample - 16_383) <= 1), "a constant stays one: no sample is lost or doubled");
    assert.ok(pieces.every((piece) => Math.abs(piece.loudness - 0.5) < 1e-3));
  });

  test(`a tone at ${rate} Hz keeps its pitch and its strength`, () => {
    const { samples } = heard(rate, (timeS) => 0.8 * Math.sin(2 * Math.PI * 440 * timeS));
    let rises = 0;
    for (let index = 1; index < samples.length; index++) if (samples[index - 1]! < 0 && samples[index]! >= 0) rises++;
    assert.ok(Math.abs(rises - 440) <= 1, `${rises} periods`);
    assert.ok(Math.abs(Math.max(...samples) / 32_767 - 0.8) < 0.02);
  });
}

test("what is louder than possible is cut, and a microphone that gives nothing is silent", () => {
  assert.deepEqual(new Set(heard(16_000, () => 3).samples), new Set([32_767]));
  assert.deepEqual(new Set(heard(16_000, () => -3).samples), new Set([-32_767]));
  assert.equal(new made().process([[]]), true);
  assert.equal(new made().process([]), true);
});

test("a tone that 16 kHz cannot hold is weaker", () => {
  const { samples } = heard(48_000, (timeS) => 0.8 * Math.sin(2 * Math.PI * 15_500 * timeS));
  assert.ok(Math.max(...samples) / 32_767 < 0.2);
});
