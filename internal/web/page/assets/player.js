// Plays several versions of a recording at once, of which one is heard. They are channels of one buffer, so that nothing sets them
// apart, and a switch from one to another happens at the same instant of the recording. Samples come from ditas piece by piece, so
// that hours of sound take no more memory than seconds.

import { t } from "./words.js";

const pieceSeconds = 2;
const mostSamples = 2 ** 19; // of a piece, of all channels together, as ditas sends them
const ahead = 2; // pieces that are scheduled beyond the one that is playing
const hurry = 0.3; // seconds that it may take to schedule a piece
const mostChannels = 32; // of a buffer, as browsers have it
const lead = 0.2; // seconds that it may take for a source to begin
const fade = 0.008; // seconds a switch takes, so that it does not click

const icons = {
  play: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M8 5.5v13l10.5-6.5z"/></svg>',
  pause: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M8 6v12M16 6v12" stroke-width="3.4"/></svg>',
};

let audible; // the player that is heard: one at a time

export class Player {
  /**
   * @param root the element to build in
   * @param sound what ditas says of the recordings: rate, channels, frames
   * @param tracks the versions: {label, load(from, frames, signal) → samples, channel after channel}
   * @param moved called with the position, 0 to 1
   */
  constructor(root, sound, tracks, moved = () => {}) {
    Object.assign(this, { root, sound, tracks, moved });
    this.channels = Math.min(sound.channels, Math.floor(mostChannels / tracks.length));
    this.heard = 0;
    this.position = 0; // frame, while nothing plays
    this.abort = new AbortController();
    this.build();
  }

  build() {
    const { root, tracks } = this;
    root.replaceChildren();
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "play";
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    this.slider = document.createElement("input");
    const length = this.sound.frames / this.sound.rate;
    // A key moves by a hundredth.
    Object.assign(this.slider, { type: "range", min: 0, max: length, step: Math.max(0.1, Math.round(length / 10) / 10), value: 0 });
    this.slider.setAttribute("aria-label", t.player.position);
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.time = document.createElement("span");
    this.time.className = "time";
    root.append(this.button, this.slider, this.time);
    if (tracks.length > 1) {
      const set = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = t.player.listenTo;
      set.append(legend);
      const name = `track-${root.id}`;
      tracks.forEach((track, i) => {
        const label = document.createElement("label");
        label.className = "choice";
        const input = Object.assign(document.createElement("input"), { type: "radio", name, value: i, checked: i === 0 });
        input.addEventListener("change", () => this.choose(i));
        const text = document.createElement("span");
        text.textContent = track.label;
        label.append(input, text);
        set.append(label);
      });
      root.append(set);
    }
    this.problem = Object.assign(document.createElement("p"), { className: "problem", hidden: true });
    this.problem.setAttribute("role", "alert");
    root.append(this.problem);
    this.show();
  }

  /** choose makes another version heard, at the same instant. */
  choose(i) {
    this.heard = i;
    this.root.dataset.heard = i;
    if (!this.context) return;
    const now = this.context.currentTime;
    this.gains.forEach((gain, k) => {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setTargetAtTime(k === i ? 1 : 0, now, fade / 3);
    });
  }

  async play() {
    if (this.playing) return;
    if (audible !== this) audible?.pause();
    audible = this;
    this.problem.hidden = true;
    try {
      if (!this.context) {
        this.connect();
      }
      // Browsers want this to happen in answer to a key or a click.
      await this.context.resume();
    } catch {
      this.context = undefined;
      this.fail(t.player.failed);
      return;
    }
    if (this.position >= this.sound.frames) this.position = 0;
    this.playing = { run: Symbol("run"), sources: [] };
    this.root.dataset.state = "playing";
    this.show();
    this.feed(this.playing);
  }

  /** connect makes the way from the channels of a buffer to the ear. */
  connect() {
    const { tracks, channels } = this;
    this.context = new AudioContext({ sampleRate: this.sound.rate });
    this.input = this.context.createChannelSplitter(tracks.length * channels);
    this.gains = tracks.map((_, k) => {
      const track = this.context.createChannelMerger(channels);
      for (let c = 0; c < channels; c++) this.input.connect(track, k * channels + c, c);
      const gain = this.context.createGain();
      gain.gain.value = k === this.heard ? 1 : 0;
      track.connect(gain).connect(this.context.destination);
      return gain;
    });
  }

  /** feed schedules pieces of all tracks until the end, or until something else is played. */
  async feed(playing) {
    const { rate, frames } = this.sound;
    const { channels } = this;
    const length = Math.min(Math.round(pieceSeconds * rate), Math.floor(mostSamples / this.sound.channels));
    let at = this.position;
    try {
      while (at < frames && playing === this.playing) {
        const n = Math.min(length, frames - at);
        const pieces = await Promise.all(this.tracks.map((track) => track.load(at, n, this.abort.signal)));
        if (playing !== this.playing) return;
        // Where there is little time the clock stands still meanwhile, so that no piece begins late and runs into the next.
        const hurried = playing.start === undefined || playing.start + at / rate < this.context.currentTime + hurry;
        if (hurried) {
          await this.context.suspend();
          if (playing !== this.playing) return;
          // The context's time at which the recording's first frame is heard, or would have been.
          playing.start = Math.max(playing.start ?? -Infinity, this.context.currentTime + lead - at / rate);
        }
        const buffer = this.context.createBuffer(pieces.length * channels, n, rate);
        pieces.forEach((samples, k) => {
          for (let c = 0; c < channels; c++) buffer.copyToChannel(samples.subarray(c * n, (c + 1) * n), k * channels + c);
        });
        const source = this.context.createBufferSource();
        source.buffer = buffer;
        source.connect(this.input);
        source.start(playing.start + at / rate);
        playing.sources.push(source);
        source.onended = () => playing.sources.splice(playing.sources.indexOf(source), 1);
        if (hurried) {
          await this.context.resume();
          this.tick(playing);
        }
        at += n;
        while (playing === this.playing && at < frames && this.now() < at - ahead * length) await new Promise((r) => setTimeout(r, 100));
      }
    } catch (error) {
      if (playing !== this.playing) return;
      this.pause();
      if (error.name !== "AbortError") this.fail(error.message);
    }
  }

  /** now is the frame that is heard. */
  now() {
    if (this.playing?.start === undefined) return this.position;
    const at = (this.context.currentTime - this.playing.start) * this.sound.rate;
    return Math.max(0, Math.min(this.sound.frames, at));
  }

  tick(playing) {
    cancelAnimationFrame(this.frame);
    if (playing !== this.playing) return;
    if (this.now() >= this.sound.frames) {
      this.pause();
      this.position = 0;
      this.show();
      return;
    }
    this.show();
    this.frame = requestAnimationFrame(() => this.tick(playing));
  }

  pause() {
    if (!this.playing) return;
    this.position = this.now();
    const { sources } = this.playing;
    this.playing = undefined;
    for (const source of [...sources]) source.stop();
    this.root.dataset.state = "paused";
    this.show();
  }

  seek(second) {
    const again = Boolean(this.playing);
    this.pause();
    this.position = Math.round(Math.min(this.sound.frames, second * this.sound.rate));
    this.show();
    if (again) this.play();
  }

  show() {
    const { rate, frames } = this.sound;
    const second = this.now() / rate;
    const state = this.playing ? "pause" : "play";
    if (this.button.dataset.icon !== state) {
      this.button.dataset.icon = state;
      this.button.innerHTML = icons[state];
      this.button.setAttribute("aria-label", this.playing ? t.player.pause : t.player.play);
    }
    if (document.activeElement !== this.slider || this.playing) this.slider.value = second;
    const text = t.player.of(second, frames / rate);
    if (this.time.textContent !== text) {
      this.time.textContent = text;
      this.slider.setAttribute("aria-valuetext", text);
    }
    this.moved(frames ? this.now() / frames : 0);
  }

  fail(message) {
    this.problem.textContent = message;
    this.problem.hidden = false;
  }

  /** close stops the sound for good. */
  close() {
    this.pause();
    this.abort.abort();
    this.context?.close();
    this.root.replaceChildren();
    delete this.root.dataset.state;
  }
}
