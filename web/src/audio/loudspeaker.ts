// Plays pieces of speech one after another, without a gap, until it is told to hush.

export class Loudspeaker {
  private context: AudioContext | null = null;
  private readonly playing = new Set<AudioBufferSourceNode>();
  private free = 0;
  private turn = 0;
  /** Pieces are decoded one after another, so that they are played in their order. */
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly onChange: (isPlaying: boolean) => void) {}

  /** Browsers allow sound after a click or a key: to be called then. */
  unlock(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
  }

  play(wav: ArrayBuffer): void {
    const turn = this.turn;
    this.last = this.last.then(async () => {
      if (turn !== this.turn) return;
      this.unlock();
      const buffer = await this.context!.decodeAudioData(wav.slice(0)).catch(() => null);
      if (buffer && this.context && turn === this.turn) this.schedule(this.context, buffer);
    });
  }

  hush(): void {
    this.turn++;
    this.free = 0;
    for (const source of this.playing) source.stop();
  }

  close(): void {
    this.hush();
    void this.context?.close();
    this.context = null;
  }

  private schedule(context: AudioContext, buffer: AudioBuffer): void {
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.onended = () => {
      this.playing.delete(source);
      this.onChange(this.playing.size > 0);
    };
    const at = Math.max(context.currentTime + 0.02, this.free);
    source.start(at);
    this.free = at + buffer.duration;
    this.playing.add(source);
    this.onChange(true);
  }
}
