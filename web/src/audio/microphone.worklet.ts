// Runs in the browser's audio thread: the microphone's samples at 16 kHz, in pieces, with their loudness.

declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new () => unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

const RATE = 16_000;
/** Samples of one piece: a tenth of a second. */
const PIECE = 1_600;

/** Every output sample is the mean of the input samples that it stands for: enough of a low-pass filter for speech. */
class Microphone extends AudioWorkletProcessor {
  private readonly step = sampleRate / RATE;
  private piece = new Int16Array(PIECE);
  private filled = 0;
  private sum = 0;
  private weight = 0;
  private power = 0;

  process([channels]: Float32Array[][]): boolean {
    const samples = channels?.[0];
    if (samples) for (let index = 0; index < samples.length; index++) this.take(samples[index]!);
    return true;
  }

  private take(sample: number): void {
    let left = 1;
    while (left > 0) {
      const part = Math.min(left, this.step - this.weight);
      this.sum += sample * part;
      this.weight += part;
      left -= part;
      if (this.weight >= this.step - 1e-9) {
        this.put(this.sum / this.weight);
        this.sum = this.weight = 0;
      }
    }
  }

  private put(value: number): void {
    this.power += value * value;
    this.piece[this.filled++] = Math.max(-1, Math.min(1, value)) * 32_767;
    if (this.filled < PIECE) return;
    this.port.postMessage({ pcm: this.piece.buffer, loudness: Math.sqrt(this.power / PIECE) }, [this.piece.buffer]);
    this.piece = new Int16Array(PIECE);
    this.filled = this.power = 0;
  }
}

registerProcessor("microphone", Microphone);

// Its test imports it.
export {};
