// What the first tab has made: a recording with a picture in it, to be saved, compared and looked at.

import { Blind } from "./blind.js";
import { Card, say, warn } from "./card.js";
import { Player } from "./player.js";
import { Share } from "./share.js";
import { draw } from "./spectrogram.js";
import { unsaved } from "./unsaved.js";
import { quality, sentence, t } from "./words.js";

const id = (name) => document.getElementById(name);

export function setUpHidden(session, about, next) {
  const numbers = new Card(id("numbers-busy"), id("numbers-problem"), id("numbers").firstElementChild);
  const share = new Share("share", session, () => unsaved(false));
  const recent = new Map(); // pieces of sound
  let shown, gone, blind, player;

  id("download").addEventListener("click", () => unsaved(false));
  id("try-reveal").addEventListener("click", () => {
    blind.player.pause();
    player?.pause();
    next.reveal();
  });
  id("numbers").addEventListener("toggle", () => {
    if (id("numbers").open && shown && !player) compare(shown);
  });

  /** withdraw takes back what is shown: it does not belong to what is given any longer. */
  function withdraw() {
    if (!shown) return;
    gone.abort();
    recent.clear();
    numbers.cancel();
    blind.close();
    player?.close();
    shown = blind = player = undefined;
    id("hidden").hidden = true;
    id("download").removeAttribute("href");
    share.offer();
    unsaved(false);
    next.withdrawn();
    say(t.hide.withdrawn);
  }

  function show(result, key, saved) {
    withdraw();
    shown = result;
    gone = new AbortController();
    unsaved(true);
    const { cover: before, stego: after } = result;
    const method = about.methods.find((m) => m.name === result.method);
    id("hidden").hidden = false;
    id("hidden-lead").textContent = [
      t.hidden.isIn(before.name, after.name),
      kept(result),
      ...(result.secret
        ? [t.hidden.secret, result.weak && t.hidden.weak, result.keyFile && sentence(`${result.keyFile.text}; ${result.keyFile.advice}`)]
        : [t.hidden.open]),
      t.hidden.survives(method.survives, method.loses),
    ].filter(Boolean).join(" ");
    id("download").href = saved;
    id("download").download = after.name;
    warn(id("hidden-warnings"), (result.warnings ?? []).filter(({ kind }) => kind === "audible" || kind === "louder"));
    share.offer("/sounds/stego/file", after.name, after.media);
    id("numbers").open = false;
    id("facts").replaceChildren();
    blind = new Blind(after, load("cover"), load("stego"));
    id("hidden").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    id("hidden").focus({ preventScroll: true });
    say(t.hidden.done(after.name));
    next.made(after, key);
  }

  /** kept tells what has become of the kind of file. */
  function kept({ becomes, cover: before, stego: after }) {
    if (becomes) return t.hidden.became(becomes);
    if (before.becomes) return t.hidden.isNow(before.becomes);
    return before.given === after.kind && !before.converted ? t.hidden.same : t.hidden.other(after.kind);
  }

  /** load returns what loads samples. Several players ask for the same pieces. */
  const load = (which) => {
    const { signal } = gone;
    return (from, frames) => {
      const key = `${which} ${from}`;
      if (!recent.has(key)) {
        recent.set(key, session.samples(which, from, frames, signal));
        if (recent.size > 8) recent.delete(recent.keys().next().value);
      }
      return recent.get(key);
    };
  };

  /** compare shows before, after and the change, and adds what takes time to find out. */
  async function compare(result) {
    const boost = Math.max(1, Math.min(10 ** ((result.snr - 14) / 20), 0.9 / result.maxDeviation));
    const [before, after] = [load("cover"), load("stego")];
    const difference = async (...piece) => {
      const [a, b] = await Promise.all([before(...piece), after(...piece)]);
      return b.map((v, i) => boost * (v - a[i]));
    };
    const heads = [...id("spectrograms").querySelectorAll("i")];
    const moved = (share) => {
      for (const head of heads) head.style.left = `${100 * share}%`;
    };
    const tracks = [{ label: t.hidden.before, load: before }, { label: t.hidden.after, load: after }, { label: t.hidden.change(boost), load: difference }];
    player = new Player(id("hide-player"), result.stego, tracks, moved);
    showFacts(result);
    const signal = numbers.begin(t.hidden.comparing);
    try {
      await showSpectrograms(result, signal);
      const [title, says] = heard(await session.get("/audibility", signal));
      id("heard").firstChild.textContent = title;
      id("heard").lastChild.textContent = says;
    } catch (error) {
      if (shown === result) numbers.fail(error);
      if (numbers.stopped === signal) {
        player.close();
        player = undefined; // it begins anew when it is unfolded again
        id("numbers").open = false;
      }
    } finally {
      numbers.end(signal);
    }
  }

  const heard = ({ moments, masked, odg }) => (odg === null ? t.hidden.ungraded(masked / moments) : t.hidden.graded(odg));

  function showFacts(result) {
    const factList = id("facts");
    factList.replaceChildren();
    const fact = (name, value, ...says) => {
      const box = document.createElement("div");
      const [dt, dd, b] = ["dt", "dd", "b"].map((tag) => document.createElement(tag));
      dt.textContent = name;
      b.textContent = value;
      dd.append(b);
      for (const text of says) {
        const span = document.createElement("span");
        span.textContent = text;
        dd.append(span);
      }
      box.append(dt, dd);
      factList.append(box);
      return dd;
    };
    const scaled = result.width !== result.original[0] || result.height !== result.original[1];
    const stages = (result.stages ?? []).filter((stage) => stage.bytes); // of others nothing is known of what they can lose
    const fillsIn = !result.exact && stages.length > 0;
    fact(t.hidden.changeFact, t.hidden.fainter(result.snr), t.hidden.snr(result.snr, result.maxDeviation));
    const warned = (result.warnings ?? []).map(({ text, advice }) => t.hidden.warning(text, advice));
    fact(t.hidden.earFact, "…", ...warned, t.hidden.asking).id = "heard";
    fact(
      t.hidden.backFact,
      result.file ? t.hidden.veryFile : result.exact ? quality(100).title : result.psnr >= 100 ? t.hidden.asHidden : t.hidden.quality(result.psnr),
      result.file ? t.hidden.file(result.file.name, result.file.bytes) : result.psnr >= 100 ? t.hidden.noDifference : t.hidden.psnr(result.psnr, fillsIn),
      t.pixels(result.width, result.height) + (scaled ? t.hidden.scaledFrom(result.original) : ""),
    );
    if (result.dithered) fact(t.hidden.samplesFact, ...t.hidden.dithered);
    const made = stages.filter((stage) => stage.survives);
    if (made.length) {
      for (const stage of made) fact(t.hidden.afterFact(stage.survives), t.hidden.quality(stage.psnr), t.hidden.asARule(stage.psnr));
    } else if (about.methods.find((m) => m.name === result.method).fragile) {
      fact(t.hidden.changesFact, ...t.hidden.allLost);
    } else if (stages.length) {
      const loss = (some) => Math.min(...some.map((s) => s.loss));
      const spare = loss(stages);
      const recognisable = stages.slice(0, 1 + Math.max(0, stages.findIndex((s) => s.psnr >= 22)));
      fact(t.hidden.lossFact, ...t.hidden.spare(spare, loss(recognisable)), t.hidden.noise(result.robust));
    }
  }

  async function showSpectrograms(result, signal) {
    const { cover: before, stego: after } = result;
    const [first, second, third] = id("spectrograms").querySelectorAll("canvas");
    const all = [];
    for (const which of ["cover", "stego", "difference"]) all.push(await session.get(`/spectrograms/${which}`, signal));
    signal.throwIfAborted();
    const names = t.hidden.spectrograms(before.name, after.name);
    const repaint = () => draw(third, all[2], id("brighten").checked ? 40 : 0);
    draw(first, all[0]);
    draw(second, all[1]);
    repaint();
    [first, second, third].forEach((canvas, i) => canvas.setAttribute("aria-label", names[i]));
    id("brighten").onchange = repaint;
    id("top").textContent = t.hidden.kilohertz(all[0].top);
  }

  return { show, withdraw };
}
