// Has the browser decode recordings that ditas does not read: MP4 and AAC, WebM, CAF.

const most = 64 << 20; // bytes: decoded samples are all in memory

const ascii = (view, at, n) => String.fromCharCode(...new Uint8Array(view.buffer, at, Math.max(0, Math.min(n, view.byteLength - at))));

/** find returns where bytes are in the first megabyte or the last, -1 if nowhere. */
function find(view, text) {
  const [bytes, wanted] = [new Uint8Array(view.buffer), Array.from(text, (c) => c.charCodeAt(0))];
  const near = 1 << 20;
  for (let at = 0; at <= bytes.length - 64; at++) {
    if (at === near && bytes.length > 2 * near) at = bytes.length - near;
    if (wanted.every((v, i) => bytes[at + i] === v)) return at;
  }
  return -1;
}

/** rateOf returns the sampling rate that a file of such a kind says, undefined if it is of no such kind. A browser does not tell it. */
function rateOf(view) {
  if (view.byteLength < 64) return undefined;
  const usual = (rate) => (rate >= 8000 && rate <= 96000 ? rate : 48000);
  if (ascii(view, 4, 4) === "ftyp") {
    const at = find(view, "mp4a"); // ISO/IEC 14496-12, AudioSampleEntry
    return usual(at < 0 ? 0 : view.getUint32(at + 28) >>> 16);
  }
  if (view.getUint32(0) === 0x1a45dfa3) {
    if (find(view, "A_OPUS") >= 0) return 48000; // Opus has no other
    const [float, double] = [find(view, "\xb5\x84"), find(view, "\xb5\x88")]; // Matroska's SamplingFrequency, of which the first counts
    if (double >= 0 && (float < 0 || double < float)) return usual(view.getFloat64(double + 2));
    return usual(float < 0 ? 0 : view.getFloat32(float + 2));
  }
  if (ascii(view, 0, 4) === "caff") return usual(view.getFloat64(20));
  if ((view.getUint16(0) & 0xfff6) === 0xfff0) {
    return usual([96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000][(view.getUint8(2) >> 2) & 15]);
  }
  return undefined;
}

/** wav returns an AudioBuffer as a WAV file of 16 bits. */
function wav(buffer, name) {
  const [channels, frames, rate] = [buffer.numberOfChannels, buffer.length, buffer.sampleRate];
  const size = 2 * channels * frames;
  const view = new DataView(new ArrayBuffer(44 + size));
  const text = (at, s) => [...s].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * channels * rate, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, size, true);
  for (let c = 0; c < channels; c++) {
    const samples = buffer.getChannelData(c);
    for (let i = 0, at = 44 + 2 * c; i < frames; i++, at += 2 * channels) {
      view.setInt16(at, Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768))), true);
    }
  }
  return new File([view], name, { type: "audio/wav" });
}

/** readable returns a recording as a file that ditas reads, as far as the browser can make one; else the file itself, of which ditas says what it is. */
export async function readable(file) {
  if (file.size > most) return file;
  if (!rateOf(new DataView(await file.slice(0, 64).arrayBuffer()))) return file; // of another kind, which need not be read here
  const data = await file.arrayBuffer();
  const rate = rateOf(new DataView(data));
  if (!rate) return file;
  try {
    const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(data);
    return wav(buffer, `${file.name.replace(/\.[^.]*$/, "")}.wav`);
  } catch {
    return file;
  }
}
