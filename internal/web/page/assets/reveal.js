// The second tab: a recording goes in, and the picture comes out of it, stage by stage.

import { readable } from "./api.js";
import { Card, chooser, empty, given, say } from "./card.js";
import { Player } from "./player.js";
import { Secrecy } from "./secrecy.js";
import { Share } from "./share.js";
import { draw } from "./spectrogram.js";
import { seconds, t } from "./words.js";

const id = (name) => document.getElementById(name);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const stageTime = 650; // milliseconds that each stage is looked at

export function setUpReveal(session, about) {
  const reading = new Card(id("recording-busy"), id("recording-problem"), id("recording-file"));
  const card = new Card(id("reveal-busy"), id("reveal-problem"), id("reveal-go"));
  const go = id("reveal-go");
  const share = new Share("share-revealed", session);
  let from, made, player, revealing;

  async function take(file) {
    const signal = reading.begin(t.reveal.reading);
    card.fail();
    try {
      const recording = await readable(file);
      signal.throwIfAborted();
      const sound = await session.work("PUT", `/sounds/recording?name=${encodeURIComponent(recording.name)}`, recording, {}, signal);
      from = "recording";
      forget();
      await showGiven(sound, signal);
    } catch (error) {
      reading.fail(error);
    } finally {
      reading.end(signal);
    }
  }

  async function showGiven(sound, signal) {
    given(id("recording-drop"), sound.name, seconds(sound.seconds), sound.format);
    go.disabled = false;
    id("made").hidden = !made || from === "stego";
    say(t.reveal.isFrom(sound.name));
    draw(id("recording-shown"), await session.get(`/spectrograms/${from}`, signal));
  }

  // What was revealed, or is being revealed, is of another recording, or with another key or other damage.
  function forget() {
    card.cancel();
    card.fail();
    player?.close();
    player = undefined;
    if (!id("revealed").hidden) say(t.reveal.withdrawn);
    id("revealed").hidden = true;
    share.offer();
  }

  chooser(id("recording-drop"), take);
  id("take-made").addEventListener("click", takeMade);

  async function takeMade() {
    const signal = reading.begin(t.reveal.reading);
    from = "stego";
    id("key-kept").hidden = !secrecy.take(made.key);
    forget();
    const shown = showGiven(made.sound, signal);
    reveal();
    try {
      await shown;
    } catch (error) {
      reading.fail(error);
    } finally {
      reading.end(signal);
    }
  }

  // Damage.

  const noise = () => (Number(id("noise").value) ? 76 - Number(id("noise").value) : null);
  function damaged() {
    const share = (name) => {
      const v = Number(id(name).value);
      id(`${name}-says`).textContent = v ? t.percent(v) : t.reveal.nothing;
      id(name).setAttribute("aria-valuetext", id(`${name}-says`).textContent);
      return v / 100;
    };
    const dB = noise();
    id("noise-says").textContent = dB === null ? t.reveal.none : t.reveal.below(dB);
    id("noise").setAttribute("aria-valuetext", id("noise-says").textContent);
    return { cut: share("cut"), silence: share("silence"), noise: dB, codec: id("codec").value };
  }
  for (const { name, title } of about.codecs ?? []) id("codec").add(new Option(title, name));
  id("codec-knob").hidden = !about.codecs;
  for (const name of ["cut", "silence", "noise", "codec"]) {
    id(name).addEventListener("input", () => {
      forget();
      damaged();
    });
  }
  for (const button of document.querySelectorAll("[data-damage]")) {
    button.addEventListener("click", () => {
      button.dataset.damage.split(",").forEach((v, i) => (id(["cut", "silence", "noise"][i]).value = v));
      id("codec").value = "";
      damaged();
      if (!go.disabled) reveal();
    });
  }
  id("try-damage").addEventListener("click", () => {
    player?.pause();
    id("damage").open = true;
    id("damage").scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
    id("cut").focus({ preventScroll: true });
  });

  // Revealing.

  const begin = () => {
    if (!go.disabled && !revealing) reveal();
  };
  go.addEventListener("click", begin);
  const secrecy = new Secrecy("key", "key-salt", "key-key-file", "key-also", begin, forget);
  id("key-key-file").addEventListener("change", () => (id("key-kept").hidden = true));

  async function reveal() {
    forget();
    const signal = card.begin(t.reveal.revealing);
    say(t.reveal.revealing);
    revealing = signal;
    go.setAttribute("aria-disabled", "true"); // it keeps the focus
    const view = new View(signal);
    try {
      const body = JSON.stringify({ from, ...(await secrecy.asked()), damage: damaged() });
      const handlers = { progress: (at) => card.follow(at), stage: (stage) => view.add(stage) };
      const result = await session.work("POST", "/reveal", body, handlers, signal);
      card.end(signal);
      await view.finish(result);
      const saved = await session.address("/revealed");
      signal.throwIfAborted();
      player = new Player(id("reveal-player"), result.sound, [{ label: "", load: (at, n, s) => session.samples(result.which, at, n, s) }]);
      id("hear").hidden = false;
      id("save").href = saved;
      id("save").download = result.saveAs;
      id("save").textContent = result.file ? t.reveal.save(result.saveAs) : t.reveal.savePicture;
      id("save").hidden = false;
      share.offer("/revealed", result.saveAs, typeOf(result.saveAs));
    } catch (error) {
      if (revealing !== signal) return; // what came after it shows itself
      id("revealed").hidden = true;
      card.fail(error);
    } finally {
      card.end(signal);
      if (revealing === signal) {
        revealing = undefined;
        go.setAttribute("aria-disabled", "false");
      }
    }
  }

  damaged();
  return {
    /** made tells of a recording that was just made. */
    made(sound, key) {
      made = { sound, key };
      id("made").hidden = false;
    },
    /** withdrawn tells that it is no longer what it was made as. */
    withdrawn() {
      made = undefined;
      id("made").hidden = true;
      if (from !== "stego") return;
      from = undefined;
      forget();
      empty(id("recording-drop"));
      go.disabled = true;
    },
    takeMade,
    /** take takes what was dropped or pasted. */
    take({ picture, recording }) {
      take(recording ?? picture); // a picture is refused in words
    },
  };
}

const address = (picture) => `data:image/png;base64,${picture}`;
const kinds = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" };

/** typeOf returns the media type of a picture's file by its name, or that of any file. */
const typeOf = (name) => kinds[name.split(".").pop().toLowerCase()] ?? "application/octet-stream";

/** View shows what is being revealed. Stages that come in quick succession are shown one after another all the same. */
class View {
  constructor(signal) {
    this.signal = signal;
    this.stages = new Map();
    this.shown = Promise.resolve();
    id("hear").hidden = true;
    id("map").hidden = true;
    id("save").hidden = true;
    id("ladder").hidden = true;
    id("stages").replaceChildren();
    id("revealed-title").textContent = t.reveal.appears;
    id("revealed-lead").textContent = "";
    this.figure = id("frame");
    this.figure.hidden = id("stages").parentElement.hidden = false;
    this.figure.querySelector(".stack").replaceChildren();
    this.figure.querySelector("figcaption").textContent = "";
  }

  add(stage) {
    this.stages.set(stage.stage, stage);
    this.shown = this.shown.then(async () => {
      if (this.signal.aborted) return;
      const first = id("revealed").hidden;
      id("revealed").hidden = false;
      if (first || this.stages.size === 1) {
        id("revealed").scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
      }
      this.look(stage.picture, t.reveal.afterStage(stage.stage));
      this.list([...this.stages.keys()].filter((i) => i <= stage.stage));
      if (!calm.matches) await new Promise((resolve) => setTimeout(resolve, stageTime));
    });
  }

  look(picture, alt) {
    const image = document.createElement("img");
    image.src = address(picture);
    image.alt = alt;
    const stack = this.figure.querySelector(".stack");
    // The new one fades in over the old one.
    const old = [...stack.children];
    if (old.length) {
      image.className = "new";
      for (const other of old) other.alt = "";
      setTimeout(() => old.forEach((other) => other.remove()), 700);
    }
    stack.append(image);
  }

  /** list lists stages: those that have a picture, or all when the result is there. */
  list(numbers, result) {
    const rows = numbers.map((i) => {
      const stage = this.stages.get(i);
      const found = result?.stages[i];
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.disabled = !stage;
      button.setAttribute("aria-pressed", "false");
      const thumb = document.createElement(stage ? "img" : "i");
      if (stage) Object.assign(thumb, { src: address(stage.picture), alt: "" });
      else thumb.className = "none";
      const [title, says] = [document.createElement("b"), document.createElement("span")];
      title.textContent = t.reveal.stage(i);
      const parts = [];
      if (found) parts.push(t.reveal.arrived(found.arrived, found.blocks));
      if (stage) parts.push(t.reveal.dB(stage.psnr));
      says.textContent = parts.filter(Boolean).join(", ");
      button.append(thumb, title, says);
      button.addEventListener("click", () => this.press(button, stage.picture, t.reveal.afterStage(i)));
      item.append(button);
      return item;
    });
    id("stages").replaceChildren(...rows);
    return rows;
  }

  press(button, picture, alt) {
    for (const other of id("stages").querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
    this.look(picture, alt);
  }

  async finish(result) {
    await this.shown;
    this.signal.throwIfAborted();
    id("revealed").hidden = false;
    this.figure.hidden = !result.picture;
    id("stages").parentElement.hidden = !result.picture;
    if (result.picture) this.look(result.picture, t.reveal.picture);
    const stages = result.stages ?? [];
    const rows = this.list([...stages.keys()], result);
    if (result.picture && (result.restored || result.file)) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const thumb = Object.assign(document.createElement("img"), { src: address(result.picture), alt: "" });
      const [title, says] = [document.createElement("b"), document.createElement("span")];
      title.textContent = result.file ? t.reveal.itself : t.reveal.restored;
      says.textContent = [result.file ? "" : t.reveal.fillsIn, t.reveal.dB(result.psnr)].filter(Boolean).join(", ");
      button.append(thumb, title, says);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => this.press(button, result.picture, t.reveal.picture));
      item.append(button);
      id("stages").append(item);
    } else {
      const last = [...rows].reverse().find((row) => !row.firstChild.disabled);
      last?.firstChild.setAttribute("aria-pressed", "true");
    }
    this.figure.querySelector("figcaption").textContent = t.pixels(result.width, result.height);

    const { file, exact, complete, psnr } = result;
    id("revealed-title").textContent = t.reveal.title(file, exact, complete);
    const says = file
      ? [t.reveal.byteForByte(result.saveAs, file.bytes)]
      : exact
      ? [t.reveal.exact]
      : [complete ? t.reveal.complete : t.reveal.partly, (psnr ?? null) !== null && t.reveal.quality(psnr)];
    says.push(result.damaged && t.reveal.damaged(result.damaged), result.altered && t.reveal.altered, result.complaint && t.reveal.complaint(result.complaint));
    id("revealed-lead").textContent = says.filter(Boolean).join(" ");
    id("ladder").hidden = !result.bytes; // what does not hide bytes protects all stages alike
    this.map(result);
    id("revealed").focus({ preventScroll: true });
    say(id("revealed-title").textContent);
  }

  map(result) {
    if (!result.found?.length) return;
    id("map").hidden = false;
    id("lanes").replaceChildren(
      ...result.found.map((lane) => {
        const canvas = document.createElement("canvas");
        canvas.width = lane.length;
        canvas.height = 1;
        const image = new ImageData(lane.length, 1);
        lane.forEach((share, x) => {
          const [lost, found] = [[205, 92, 78], [46, 140, 138]];
          image.data.set([...found.map((v, c) => Math.round(lost[c] + (v - lost[c]) * share)), 255], 4 * x);
        });
        canvas.getContext("2d").putImageData(image, 0, 0);
        return canvas;
      }),
    );
    const share = result.frames ? result.arrived / result.frames : 0;
    const parts = [result.arrived === result.frames ? t.reveal.allFound(result.frames) : t.reveal.found(share, result.frames)];
    if (Math.abs(result.gain) > 0.05) parts.push(t.reveal.gain(result.gain));
    if (result.inverted) parts.push(t.reveal.inverted);
    id("found").textContent = parts.join(" ");
    id("lanes").setAttribute("aria-label", t.reveal.map(parts[0]));
  }
}
