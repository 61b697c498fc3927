// Records the microphone into a WAV file. What browsers record by themselves is compressed with loss, and no place to hide in.

const longest = 15 * 60; // seconds

export class Recorder {
  /** @param heard called with the seconds recorded and the loudness, 0 to 1 */
  static async start(heard, full) {
    const recorder = new Recorder();
    recorder.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    try {
      recorder.context = new AudioContext();
      await recorder.context.audioWorklet.addModule(new URL("recorder-worklet.js", import.meta.url));
      recorder.pieces = [];
      recorder.frames = 0;
      const tap = new AudioWorkletNode(recorder.context, "tap", { numberOfOutputs: 0 });
      recorder.port = tap.port;
      tap.port.onmessage = ({ data }) => {
        recorder.pieces.push(data);
        recorder.frames += data.length;
        const seconds = recorder.frames / recorder.context.sampleRate;
        heard(seconds, data.reduce((most, v) => Math.max(most, Math.abs(v)), 0));
        if (seconds >= longest) full();
      };
      recorder.context.createMediaStreamSource(recorder.stream).connect(tap);
    } catch (error) {
      recorder.release();
      throw error;
    }
    return recorder;
  }

  release() {
    // What was heard before is still on its way.
    if (this.port) this.port.onmessage = null;
    for (const track of this.stream.getTracks()) track.stop();
    this.context?.close();
  }

  /** stop returns the recording as a WAV file of 16 bits. */
  stop() {
    const rate = this.context.sampleRate;
    this.release();
    const view = new DataView(new ArrayBuffer(44 + 2 * this.frames));
    const text = (at, s) => [...s].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
    text(0, "RIFF");
    view.setUint32(4, 36 + 2 * this.frames, true);
    text(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, 1, true);
    view.setUint32(24, rate, true);
    view.setUint32(28, 2 * rate, true);
    view.setUint16(32, 2, true);
    view.setUint16(34, 16, true);
    text(36, "data");
    view.setUint32(40, 2 * this.frames, true);
    let at = 44;
    for (const piece of this.pieces) {
      for (const v of piece) {
        view.setInt16(at, Math.max(-32768, Math.min(32767, Math.round(v * 32768))), true);
        at += 2;
      }
    }
    return new File([view], "microphone.wav", { type: "audio/wav" });
  }
}
