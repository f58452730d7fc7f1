// Sound as it comes -> 16-bit samples, a tenth of a second at a time. Runs on the audio thread.
const SAMPLES = 1600;

class Microphone extends AudioWorkletProcessor {
  #block = new DataView(new ArrayBuffer(2 * SAMPLES));
  #filled = 0;

  process([[channel]]) {
    for (const sample of channel ?? []) {
      const value = Math.max(-1, Math.min(1, sample)) * 32767;
      this.#block.setInt16(2 * this.#filled, value, true);
      this.#filled += 1;
      if (this.#filled === SAMPLES) {
        this.port.postMessage(this.#block.buffer.slice(0));
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
