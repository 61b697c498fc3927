// A test of what a listener hears: two versions under names that tell nothing.

import { Player } from "./player.js";
import { t } from "./words.js";

const id = (name) => document.getElementById(name);
const rounds = 5;

/** Blind is the test with one pair of recordings: where they are alike, guesses are right about half of the time. */
export class Blind {
  /**
   * @param sound what ditas says of both recordings
   * @param before, after what load samples of them, as Player takes it
   */
  constructor(sound, before, after) {
    Object.assign(this, { sound, before, after, done: 0, right: 0 });
    id("guess-a").onclick = () => this.guess(0);
    id("guess-b").onclick = () => this.guess(1);
    id("blind-score").textContent = t.blind.round(1, rounds);
    this.draw();
  }

  /** draw draws the order of a round. */
  draw() {
    this.player?.close();
    this.at = crypto.getRandomValues(new Uint8Array(1))[0] & 1; // of the one with the picture
    const loads = this.at ? [this.before, this.after] : [this.after, this.before];
    this.player = new Player(id("blind-player"), this.sound, loads.map((load, i) => ({ label: "AB"[i], load })));
  }

  guess(which) {
    this.done++;
    if (which === this.at) this.right++;
    const over = this.done === rounds;
    id("blind-score").textContent = over ? t.blind.result(this.right, rounds) : t.blind.round(this.done + 1, rounds);
    if (over) this.done = this.right = 0;
    this.draw();
  }

  close() {
    this.player.close();
  }
}
