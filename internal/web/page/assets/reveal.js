// The second tab: a recording goes in, and the picture comes out of it, stage by stage.

import { readable } from "./api.js";
import { Card, dropZone, given, say } from "./card.js";
import { Player } from "./player.js";
import { Secrecy } from "./secrecy.js";
import { draw } from "./spectrogram.js";
import { bytes, percent, quality, seconds } from "./words.js";

const id = (name) => document.getElementById(name);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const stageTime = 650; // milliseconds that each stage is looked at

export function setUpReveal(session) {
  const reading = new Card(id("recording-busy"), id("recording-problem"));
  const card = new Card(id("reveal-busy"), id("reveal-problem"));
  const go = id("reveal-go");
  let from, made, player;

  async function take(file) {
    const signal = reading.begin("Reading");
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
    draw(id("recording-shown"), await session.get(`/spectrograms/${from}`, signal));
    say(`${sound.name} is the recording to reveal from.`);
  }

  // What was revealed, or is being revealed, is of another recording.
  function forget() {
    card.cancel();
    player?.close();
    player = undefined;
    id("revealed").hidden = true;
  }

  dropZone(id("recording-drop"), take);
  id("take-made").addEventListener("click", takeMade);

  async function takeMade() {
    const signal = reading.begin("Reading");
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
      id(`${name}-says`).textContent = v ? `${v} %` : "nothing";
      id(name).setAttribute("aria-valuetext", id(`${name}-says`).textContent);
      return v / 100;
    };
    const dB = noise();
    id("noise-says").textContent = dB === null ? "none" : `${dB} dB below the recording`;
    id("noise").setAttribute("aria-valuetext", id("noise-says").textContent);
    return { cut: share("cut"), silence: share("silence"), noise: dB, gain: 0 };
  }
  for (const name of ["cut", "silence", "noise"]) id(name).addEventListener("input", damaged);
  for (const button of document.querySelectorAll("[data-damage]")) {
    button.addEventListener("click", () => {
      button.dataset.damage.split(",").forEach((v, i) => (id(["cut", "silence", "noise"][i]).value = v));
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

  go.addEventListener("click", reveal);
  const secrecy = new Secrecy("key", "key-salt", "key-key-file", "key-also", () => {
    if (!go.disabled) reveal();
  });
  id("key-key-file").addEventListener("change", () => (id("key-kept").hidden = true));

  async function reveal() {
    const signal = card.begin("Revealing");
    const view = new View(signal);
    player?.close();
    player = undefined;
    go.disabled = true;
    try {
      const body = JSON.stringify({ from, ...(await secrecy.asked()), damage: damaged() });
      const handlers = { progress: (at) => card.follow(at), stage: (stage) => view.add(stage) };
      const result = await session.work("POST", "/reveal", body, handlers, signal);
      card.end(signal);
      await view.finish(result);
      player = new Player(id("reveal-player"), result.sound, [{ label: "", load: (at, n, s) => session.samples(result.which, at, n, s) }]);
      id("hear").hidden = false;
      id("save").href = await session.address("/revealed");
      id("save").download = result.saveAs;
      id("save").textContent = result.file ? `Save ${result.saveAs}` : "Save the picture";
      id("save").hidden = false;
    } catch (error) {
      if (!card.latest(signal)) return; // what came after it shows itself
      id("revealed").hidden = true;
      card.fail(error);
    } finally {
      card.end(signal);
      if (card.latest(signal)) go.disabled = false;
    }
  }

  damaged();
  return {
    /** made tells of a recording that was just made. */
    made(sound, key) {
      made = { sound, key };
      id("made").hidden = false;
      if (from === "stego") forget();
    },
    takeMade,
  };
}

const address = (picture) => `data:image/png;base64,${picture}`;
const close = (psnr) => (psnr === null || psnr === undefined ? "" : psnr >= 100 ? "exact" : `${psnr.toFixed(1)} dB`);

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
    id("revealed-title").textContent = "The picture appears";
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
      this.look(stage.picture, `The picture after stage ${stage.stage + 1}`);
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
      title.textContent = `Stage ${i + 1}`;
      const parts = [];
      if (found) parts.push(found.arrived === found.blocks ? "arrived" : found.arrived ? `${found.arrived} of ${found.blocks} pieces arrived` : "lost");
      if (stage) parts.push(close(stage.psnr));
      says.textContent = parts.filter(Boolean).join(", ");
      button.append(thumb, title, says);
      button.addEventListener("click", () => this.press(button, stage.picture, `The picture after stage ${i + 1}`));
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
    if (result.picture) this.look(result.picture, "The revealed picture");
    const stages = result.stages ?? [];
    const rows = this.list([...stages.keys()], result);
    if (result.picture && (result.restored || result.file)) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const thumb = Object.assign(document.createElement("img"), { src: address(result.picture), alt: "" });
      const [title, says] = [document.createElement("b"), document.createElement("span")];
      title.textContent = result.file ? "The file itself" : "Restored";
      says.textContent = [result.file ? "" : "a network fills in", close(result.psnr)].filter(Boolean).join(", ");
      button.append(thumb, title, says);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => this.press(button, result.picture, "The revealed picture"));
      item.append(button);
      id("stages").append(item);
    } else {
      const last = [...rows].reverse().find((row) => !row.firstChild.disabled);
      last?.firstChild.setAttribute("aria-pressed", "true");
    }
    this.figure.querySelector("figcaption").textContent = `${result.width}×${result.height} pixels`;

    const q = result.psnr === null ? undefined : quality(result.psnr);
    const file = result.file && `${result.saveAs}, ${bytes(result.file.bytes)}`;
    id("revealed-title").textContent = file ? "Here it is, the very file" : result.exact ? "Here it is, exactly as it was hidden" : result.complete ? "Here it is" : "Here is what survived";
    id("revealed-lead").textContent = file ? `${file}: byte for byte as it was hidden.` : result.exact
      ? "Not one value of one pixel differs from the picture that was hidden."
      : [
          result.complete ? "All that was hidden has arrived." : "Parts are missing, so the picture is coarser than the one that was hidden.",
          q ? `Its quality is ${q.title} (PSNR ${result.psnr.toFixed(1)} dB): ${q.says}.` : "",
        ].join(" ");
    for (const what of [
      result.damaged && `The recording’s file is damaged: ${Math.max(0.01, result.damaged).toFixed(2)} s of it cannot be read.`,
      result.altered && "The recording’s samples do not match the checksum in its header: something has changed them.",
      result.complaint && `The recording seems to be damaged or cut off: the program that decoded it says: ${result.complaint}`,
    ]) {
      if (what) id("revealed-lead").textContent += ` ${what}`;
    }
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
    const parts = [`${percent(share)} of the ${result.frames} pieces that were written (teal); what is red is missing.`];
    if (result.arrived === result.frames) parts[0] = `All ${result.frames} pieces that were written.`;
    if (Math.abs(result.gain) > 0.05) parts.push(`The volume has changed by ${result.gain.toFixed(1)} dB.`);
    if (result.inverted) parts.push("The polarity is inverted.");
    id("found").textContent = parts.join(" ");
    id("lanes").setAttribute("aria-label", `Map of the recording, from beginning to end: ${parts[0]}`);
  }
}
