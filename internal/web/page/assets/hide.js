// The first tab: a picture and a recording go in, and a recording with the picture in it comes out.

import * as api from "./api.js";
import { Card, dropZone, fill, given, say } from "./card.js";
import { Player } from "./player.js";
import { Recorder } from "./recorder.js";
import { Secrecy } from "./secrecy.js";
import { draw } from "./spectrogram.js";
import { bytes, list, percent, phases, quality, round, seconds, sentence, times } from "./words.js";

const id = (name) => document.getElementById(name);

export function setUpHide(session, about, next) {
  const pictureCard = new Card(id("picture-busy"), id("picture-problem"));
  const coverCard = new Card(id("cover-busy"), id("cover-problem"));
  const room = new Card(id("room-busy"), id("room-problem"));
  const how = new Card(id("hide-busy"), id("hide-problem"));
  let picture, cover, estimate, hiding, player, shown;

  const snr = () => -Number(id("strength").value);
  const scale = () => Number(id("size").value) / 100;

  async function takePicture(file) {
    const signal = pictureCard.begin("Reading");
    try {
      if (file.size > about.maxPicture) throw new api.Problem(`The file is larger than ${bytes(about.maxPicture)}.`, "Choose a smaller one.");
      const size = await session.put(`/picture?${new URLSearchParams({ name: file.name })}`, file, signal);
      picture = { name: file.name, ...size };
      id("strip-line").hidden = !size.located;
      id("picture-shown").src = await session.address("/picture");
      given(id("picture-drop"), file.name, `${size.width}×${size.height} pixels`);
      id("picture-warnings").replaceChildren(
        ...(picture.losses ?? []).map((loss) => Object.assign(document.createElement("p"), { textContent: sentence(loss) })),
      );
      say(`${file.name} is the picture to hide.`);
      changed();
    } catch (error) {
      pictureCard.fail(error);
    } finally {
      pictureCard.end(signal);
    }
  }

  async function takeCover(file) {
    const signal = coverCard.begin("Reading");
    const [asks, name] = [asked(), wayName()];
    try {
      if (file.size > about.maxRecording) throw new api.Problem(`The file is larger than ${bytes(about.maxRecording)}.`, "Choose a smaller one, or use ditas hide.");
      const recording = await api.readable(file);
      signal.throwIfAborted();
      const query = new URLSearchParams({ name: recording.name, ...asks });
      cover = await session.work("PUT", `/sounds/cover?${query}`, recording, { progress: (at) => coverCard.follow(at) }, signal);
      forget();
      heard.add(name);
      warn(cover.warnings ?? []);
      given(id("cover-drop"), cover.name, seconds(cover.seconds), cover.format, cover.becomes ? `${cover.given}, which cannot be written as it is; the recording with the picture becomes ${cover.becomes}` : "");
      draw(id("cover-shown"), await session.get("/spectrograms/cover", signal));
      say(`${cover.name} is the recording to hide it in.`);
      changed();
    } catch (error) {
      coverCard.fail(error);
    } finally {
      coverCard.end(signal);
    }
  }

  // What was made of another recording, or is being made of it, has nothing to be compared with.
  function forget() {
    heard.clear();
    wanted = estimate = undefined;
    room.cancel();
    room.fail();
    how.cancel();
    player?.close();
    player = shown = undefined;
    id("hidden").hidden = true;
  }

  /** warn tells what is wrong with the recording and what to do. */
  function warn(warnings) {
    id("cover-warnings").replaceChildren(
      ...warnings.map(({ text, advice }) => {
        const [p, span] = [document.createElement("p"), document.createElement("span")];
        span.textContent = sentence(advice);
        p.append(`This recording ${text}. `, span);
        return p;
      }),
    );
  }

  dropZone(id("picture-drop"), takePicture);
  dropZone(id("cover-drop"), takeCover);
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
    if (file && !id("hide").hidden) takePicture(file);
  });

  if (about.photo && about.recording) {
    id("try").hidden = false;
    id("credit").textContent = `(${about.photo.credit}; ${about.recording.credit})`;
    id("example").addEventListener("click", async () => {
      const file = async ({ name }) => new File([await api.example(name)], name);
      takePicture(await file(about.photo));
      takeCover(await file(about.recording));
    });
  }

  setUpRecorder(coverCard, takeCover);

  // The way of hiding: by what the recording is for, or, for whoever asks for more, by its name.

  const titles = { keep: "I keep it as a file", share: "I post, send or convert it", voice: "I send it as a voice message", secret: "Nobody may suspect anything" };
  let purpose = about.purposes[0]; // undefined where a way was chosen that serves none
  const asked = () => (purpose ? { for: purpose.name } : { method: way().name });
  const wayName = () => purpose?.name ?? way().name;
  const radios = about.purposes.map((p) => {
    const [label, radio, words, title, says] = ["label", "input", "span", "b", "span"].map((tag) => document.createElement(tag));
    radio.type = "radio";
    radio.name = "purpose";
    radio.value = p.name;
    radio.id = `for-${p.name}`;
    title.textContent = titles[p.name] ?? p.name;
    says.textContent = sentence(p.summary);
    words.append(title, says);
    label.append(radio, words);
    radio.addEventListener("change", () => choose(p, p.method));
    id("purposes").append(label);
    return radio;
  });
  const way = () => about.methods.find((m) => m.name === id("method").value);
  const strengths = new Map(about.methods.map((m) => [m.name, m.defaultSNR])); // in dB, as chosen for each
  about.methods.forEach((m, i) => id("method").add(new Option(i ? m.name : `${m.name} (default)`, m.name)));
  let typed = ""; // passphrase
  const secrecy = new Secrecy("passphrase", "salt", "key-file", "also", () => {
    if (!id("hide-go").disabled) hide();
  });
  id("method").value = about.methods[0].name; // browsers may remember another one

  /** choose makes another way of hiding the one that is used. */
  function choose(another, method) {
    purpose = another;
    id("method").value = method;
    wanted = estimate = undefined;
    room.fail();
    showWay();
    changed();
  }

  function showWay() {
    const m = way();
    for (const radio of radios) radio.checked = radio.value === purpose?.name;
    id("purpose-survives").textContent =
      `The picture survives ${list(m.survives, "conjunction")}, but not ${list(m.loses, "disjunction")}.`;
    const strength = id("strength");
    id("strength-knob").hidden = !m.maxSNR; // otherwise the recording decides
    strength.min = -m.maxSNR;
    strength.max = -m.minSNR;
    strength.value = -strengths.get(m.name);
    id("more-says").textContent = `the way of hiding: ${m.name}`;
    id("method-summary").textContent = sentence(m.summary);
    id("method-survives").textContent = list(m.survives, "conjunction");
    id("method-loses").textContent = list(m.loses, "disjunction");
    id("method-costs").textContent = m.costs;
    // What is typed for one way is not shown, as if it protected anything, where another takes none.
    const passphrase = id("passphrase");
    if (m.secret && passphrase.disabled) passphrase.value = typed;
    if (!m.secret && !passphrase.disabled) [typed, passphrase.value] = [passphrase.value, ""];
    for (const part of passphrase.parentElement.children) part.disabled = !m.secret;
    id("also").hidden = !m.secret;
    id("passphrase-optional").textContent = m.secretOnly ? "needed here" : m.secret ? "if you like" : "";
    passphrase.required = m.secretOnly;
    id("passphrase-says").textContent = m.secretOnly
      ? "It takes one: without, anyone could look for the picture. Several random words are good; whoever forgets them has lost it."
      : m.secret
      ? "Without one, anyone who has ditas can reveal the picture. Several random words are good; whoever forgets them has lost the picture."
      : "This way of hiding takes no passphrase: anyone who has ditas can reveal the picture.";
  }

  id("method").addEventListener("change", () => {
    const { value } = id("method");
    choose(about.purposes.find((p) => p.method === value), value);
  });
  id("strength").addEventListener("input", () => strengths.set(way().name, snr()));

  // Each way listens to the recording in its own manner, once.

  const heard = new Set(); // the ways that have
  let wanted; // the way that does, or could not
  async function listen() {
    const name = wayName();
    if (wanted === name) return;
    wanted = name;
    expect("verdict waiting", "Ditas listens to the recording for this way of hiding.");
    const signal = room.begin(phases.surveying);
    try {
      await session.work("POST", "/survey", JSON.stringify(asked()), { progress: (at) => room.follow(at) }, signal);
      signal.throwIfAborted();
      heard.add(name);
      changed();
    } catch (error) {
      room.fail(error);
      if (!signal.aborted) expect("verdict poor", "This way of hiding does not work with this recording.");
    } finally {
      room.end(signal);
    }
  }

  // What is to be expected.

  let asking, timer;
  /** sayStrength tells what a strength means: what was chosen, and what comes out of it. */
  function sayStrength(comesOut) {
    const dB = snr();
    const louder = (dB) => `about ${times(dB)} times louder than the change (${Math.round(dB)} dB)`;
    const parts = [`The recording is to be ${louder(dB)}.`, "The change is kept weaker where it would be heard, and once the picture is hidden an ear model says how well that went."];
    if (Math.abs(comesOut - dB) >= 1) parts.splice(1, 0, `This one will be ${louder(comesOut)}.`);
    id("strength-says").textContent = parts.join(" ");
  }

  function changed() {
    const dB = snr();
    sayStrength(dB);
    id("strength").setAttribute("aria-valuetext", `${dB} decibels`);
    const width = picture && Math.max(1, Math.round(picture.width * scale()));
    const height = picture && Math.max(1, Math.round(picture.height * scale()));
    id("size-says").textContent = `${id("size").value} %${picture ? `: ${width}×${height} pixels` : ""}`;
    id("size").setAttribute("aria-valuetext", id("size-says").textContent);
    asking?.abort();
    clearTimeout(timer);
    offer();
    if (!cover) {
      id("verdict").className = "verdict waiting";
      id("verdict").textContent = picture
        ? "Now a recording: any song will do, or a minute of talking. A few seconds are enough for a small picture."
        : "Give a picture and a recording, and this tells how well they go together.";
      return;
    }
    if (!heard.has(wayName())) {
      listen();
      return;
    }
    wanted = undefined;
    room.cancel();
    id("room").setAttribute("aria-busy", "true");
    timer = setTimeout(ask, 120);
  }

  /** offer lets the picture be hidden if it can be. */
  function offer() {
    const open = way().secretOnly && !id("passphrase").value;
    id("hide-go").disabled = Boolean(hiding) || open || !picture || !cover || !heard.has(wayName()) || estimate?.pixels === 0;
  }

  const query = () => new URLSearchParams({ ...asked(), snr: snr(), scale: scale() });

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    room.fail();
    try {
      estimate = await session.get(`/estimate?${query()}`, signal);
      showEstimate();
      offer();
    } catch (error) {
      if (signal.aborted) return;
      room.fail(error);
    }
    id("room").setAttribute("aria-busy", "false");
  }

  /** expect says what is to be expected, and nothing else. */
  function expect(grade, text, detail = "") {
    id("verdict").className = grade;
    id("verdict").textContent = text;
    id("detail").textContent = detail;
    id("fill").hidden = id("exactly").hidden = true;
    id("room").setAttribute("aria-busy", "false");
  }

  function showEstimate() {
    const { bytes: space, robust, side, tooQuiet, picture: p } = estimate;
    if (tooQuiet) {
      const most = Math.floor(tooQuiet.reached);
      const stronger = most >= way().minSNR ? `Move the strength towards “harder to destroy”, to ${most} dB, or make` : "Make";
      if (tooQuiet.bits) {
        const otherwise = tooQuiet.heard ? "make this one louder first" : "choose a greater strength";
        expect("verdict poor", `Samples of ${tooQuiet.bits} bits are too coarse for so small a change.`, `Take a recording of 16 bits, or ${otherwise}.`);
      } else {
        expect("verdict poor", "The recording is too quiet for so small a change.", `${stronger} the recording louder first.`);
      }
      return;
    }
    if (estimate.exposed) {
      const { bits } = estimate.exposed;
      const [says, advice] =
        bits < 16
          ? [`samples of ${bits} bits leave no noise that it could pass for`, "Take a recording of 16 bits or more."]
          : ["hardly any of it is more than silence", "Take one that goes on throughout."];
      expect("verdict poor", `A change would be found nearly everywhere in this recording: ${says}.`, advice);
      return;
    }
    if (p ? !p.width : !side) {
      if (way().maxSNR) expect("verdict poor", "There is no room for a picture in this recording at this strength.", "A greater strength or a longer recording makes room.");
      else expect("verdict poor", "There is no room for a picture in this recording.", "A longer one makes room.");
      return;
    }
    if (!p) {
      const most = `${side}×${side} pixels or so`;
      const holds = space ? `${bytes(space)} of picture. Now a picture: it may have ${most}` : `a picture of ${most}. Now a picture`;
      expect("verdict waiting", `There is room for ${holds}.`);
      return;
    }
    sayStrength(estimate.snr);
    const smaller = p.width < Math.round(picture.width * scale());
    if (!space) {
      const says = smaller ? "To fit, the picture is scaled down to" : "The picture fits, with";
      const detail = "This way of hiding never gives it back exactly. How well it comes back is known once it is hidden.";
      expect("verdict", `${says} ${p.width}×${p.height} pixels.`, detail);
      return;
    }
    const q = quality(p.psnr);
    const back = p.psnr >= 100 ? (picture.losses ? "as you see it here" : "exactly") : `in ${q.title} quality (about ${Math.round(p.psnr)} dB): ${q.says}`;
    expect(`verdict ${q.grade}`, `The picture will come back ${back}.`);
    id("fill").hidden = false;
    fill(id("fill"), Math.min(1, p.need / space));
    const parts = [`It takes ${bytes(p.need)} to be exact, and there is room for ${bytes(space)}.`];
    if (smaller) parts.unshift(`To fit, it is scaled down to ${p.width}×${p.height} pixels.`);
    if (estimate.dithered) parts.push("The recording is rounded to 16 bits with dither, as most programs export it.");
    if (way().fragile) parts.push("Nothing survives a change: send the recording as a file.");
    else if (p.psnr >= 100 && p.need <= robust) parts.push("The rest protects it against noise and loss.");
    else if (p.psnr >= 100) parts.push("That leaves no room to protect it against noise.");
    else if (estimate.stages?.length) parts.push("All of it is protected; how much a codec leaves depends on the codec.");
    else parts.push("All of that goes into quality, and little into protection.");
    id("detail").textContent = parts.join(" ");
    id("exactly").hidden = p.psnr >= 100;
  }

  id("exactly").addEventListener("click", async () => {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    id("room").setAttribute("aria-busy", "true");
    room.fail();
    try {
      id("size").value = (await session.get(`/exact?${query()}`, signal)).percent;
      changed();
      id("size").focus();
    } catch (error) {
      if (signal.aborted) return;
      room.fail(error);
      id("room").setAttribute("aria-busy", "false");
    }
  });

  for (const name of ["strength", "size"]) id(name).addEventListener("input", changed);
  id("passphrase").addEventListener("input", offer);
  showWay();
  changed();

  // Hiding.

  id("hide-go").addEventListener("click", hide);

  async function hide() {
    const signal = how.begin("Hiding");
    const { secret } = way();
    let result;
    hiding = true;
    offer();
    try {
      const key = secret ? await secrecy.asked() : { passphrase: "", salt: "", keyFile: "" };
      const body = JSON.stringify({ ...asked(), snr: snr(), scale: scale(), strip: !id("strip-line").hidden && id("strip").checked, ...key });
      result = await session.work("POST", "/hide", body, { progress: (at) => how.follow(at) }, signal);
      showHidden(result, key, await session.address("/sounds/stego/file"));
    } catch (error) {
      how.fail(error);
    } finally {
      how.end(signal);
      hiding = false;
      offer();
    }
    if (result) showDetails(result);
  }

  function showHidden(result, key, saved) {
    shown = result;
    const section = id("hidden");
    const { cover: before, stego: after } = result;
    section.hidden = false;
    const kept = result.becomes ? `It has become ${result.becomes}` : before.becomes ? `What it was cannot be written as it is: it is now ${before.becomes}` : after.kind === before.kind ? "It is the same kind of file and just as long" : `It is a ${after.kind} file`;
    id("hidden-lead").textContent =
      `${after.name} is ${before.name} with the picture in it. ${kept}. ` +
      (result.secret ? "Who knows the passphrase can reveal the picture. " + (result.weak ? "It is easy to guess: six words that dice have thrown would not be. " : "") + (result.keyFile ? `${sentence(`${result.keyFile.text}; ${result.keyFile.advice}`)} ` : "") : "Anyone who has ditas can reveal the picture. ") +
      `The picture does not survive ${list(about.methods.find((m) => m.name === result.method).loses, "disjunction")}.`;
    id("download").href = saved;
    id("download").download = after.name;

    player?.close();
    const boost = Math.max(1, Math.min(10 ** ((result.snr - 14) / 20), 0.9 / result.maxDeviation));
    const recent = new Map();
    const load = (which) => (from, frames, signal) => {
      // The track with the difference asks for the same pieces as the other two.
      const key = `${which} ${from}`;
      if (!recent.has(key)) {
        recent.set(key, session.samples(which, from, frames, signal));
        if (recent.size > 8) recent.delete(recent.keys().next().value);
      }
      return recent.get(key);
    };
    const difference = async (from, frames, signal) => {
      const [a, b] = await Promise.all([load("cover")(from, frames, signal), load("stego")(from, frames, signal)]);
      return b.map((v, i) => boost * (v - a[i]));
    };
    const heads = [...id("spectrograms").querySelectorAll("i")];
    const moved = (share) => {
      for (const head of heads) head.style.left = `${100 * share}%`;
    };
    player = new Player(
      id("hide-player"),
      after,
      [
        { label: "Before", load: load("cover") },
        { label: "After", load: load("stego") },
        { label: `The change alone, ${round(boost)} times louder`, load: difference },
      ],
      moved,
    );

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
    const q = quality(result.psnr);
    const stages = (result.stages ?? []).filter((stage) => stage.bytes); // of others nothing is known of what they can lose
    const fillsIn = !result.exact && stages.length > 0;
    fact("The change in the recording", `${times(result.snr)} times fainter`, `SNR ${result.snr.toFixed(1)} dB; largest change ${(100 * result.maxDeviation).toPrecision(2)} % of full scale`);
    const warned = (result.warnings ?? []).map(({ text, advice }) => sentence(`the recording ${text}; ${advice}`));
    fact("To the ear", "…", "asking an ear model", ...warned).id = "heard";
    fact(
      "The picture that comes back",
      result.file ? "the very file" : result.exact ? "exact" : result.psnr >= 100 ? "as it was hidden" : `${q.title} quality`,
      result.file ? `${result.file.name}, ${bytes(result.file.bytes)}, byte for byte` : result.psnr >= 100 ? "not one value of one pixel differs" : `PSNR ${result.psnr.toFixed(1)} dB: ${q.says}${fillsIn ? "; a network may add a little" : ""}`,
      `${result.width}×${result.height} pixels${scaled ? `, scaled down from ${result.original.join("×")}` : ""}`,
    );
    if (result.dithered) fact("The samples", "16 bits, dithered", "as most programs export recordings");
    const made = stages.filter((stage) => stage.survives);
    if (made.length) {
      for (const stage of made) fact(`After ${stage.survives}`, `${quality(stage.psnr).title} quality`, `PSNR ${stage.psnr.toFixed(1)} dB, as a rule`);
    } else if (about.methods.find((m) => m.name === result.method).fragile) {
      fact("If anything changes", "all is lost", "send the recording as a file, and to no service that converts it");
    } else if (stages.length) {
      const loss = (some) => Math.min(...some.map((s) => s.loss));
      const spare = loss(stages);
      const recognisable = stages.slice(0, 1 + Math.max(0, stages.findIndex((s) => s.psnr >= 22)));
      fact(
        "If a piece gets lost",
        spare < 0.01 ? "every piece counts" : `${percent(spare)} may go`,
        spare < 0.01 ? `all room went into quality; up to ${percent(loss(recognisable))} it stays recognisable` : `before any of the picture does; up to ${percent(loss(recognisable))} it stays recognisable`,
        result.robust ? "protected against noise too" : "there was no room to protect it against noise",
      );
    }

    section.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    section.focus({ preventScroll: true });
    say(`The picture is hidden in ${after.name}.`);
    next.made(after, key);
  }

  /** showDetails adds to what is shown of a result what takes time to find out. */
  async function showDetails(result) {
    try {
      await showSpectrograms(result);
      const audibility = await session.get("/audibility");
      if (shown === result) showAudibility(audibility);
    } catch (error) {
      if (shown === result) how.fail(error);
    }
  }

  function showAudibility({ moments, masked, odg }) {
    const heard = id("heard");
    if (odg === null) {
      heard.firstChild.textContent = `${percent(masked / moments)} unheard`;
      heard.lastChild.textContent = "of all moments, says an ear model: there the recording masks the change";
      return;
    }
    const grades = [[-0.5, "nothing to hear"], [-1, "hardly to be heard"], [-2, "can be heard"], [-3, "plainly heard"]];
    heard.firstChild.textContent = grades.find(([least]) => odg >= least)?.[1] ?? "disturbing";
    heard.lastChild.textContent = `ODG ${odg.toFixed(1)}, a model of the grade that listeners would give: 0 is not heard, −4 very annoying`;
  }

  async function showSpectrograms(result) {
    const { cover: before, stego: after } = result;
    const [first, second, third] = id("spectrograms").querySelectorAll("canvas");
    const all = [];
    for (const which of ["cover", "stego", "difference"]) all.push(await session.get(`/spectrograms/${which}`));
    if (shown !== result) return;
    const names = [`Spectrogram of ${before.name}`, `Spectrogram of ${after.name}, which looks the same`, "Spectrogram of the difference between the two, which is much fainter"];
    const repaint = () => draw(third, all[2], id("brighten").checked ? 40 : 0);
    draw(first, all[0]);
    draw(second, all[1]);
    repaint();
    [first, second, third].forEach((canvas, i) => canvas.setAttribute("aria-label", names[i]));
    id("brighten").onchange = repaint;
    id("top").textContent = `${round(all[0].top / 1000)} kHz`;
  }

  id("try-reveal").addEventListener("click", () => {
    player?.pause();
    next.reveal();
  });
}

/** setUpRecorder makes the microphone a source of recordings. */
function setUpRecorder(card, take) {
  const button = id("record");
  const text = button.querySelector("span");
  const level = id("level");
  const usual = text.textContent;
  let recorder, starting;
  if (!navigator.mediaDevices?.getUserMedia) {
    button.disabled = true;
    text.textContent = "The microphone works on localhost only";
    return;
  }
  async function toggle() {
    if (recorder) {
      const file = recorder.stop();
      recorder = undefined;
      button.classList.remove("recording-on");
      text.textContent = usual;
      level.hidden = true;
      take(file);
      return;
    }
    // Browsers may ask first whether they may, and take their time.
    if (starting) return;
    starting = true;
    card.fail();
    try {
      recorder = await Recorder.start((s, loudness) => {
        text.textContent = `Stop recording (${seconds(Math.floor(s))})`.replace(".0 s", " s");
        fill(level, Math.sqrt(loudness));
      }, toggle);
      button.classList.add("recording-on");
      level.hidden = false;
      say("Recording.");
    } catch (error) {
      card.fail(new api.Problem("The microphone cannot be used.", error.name === "NotAllowedError" ? "Allow it in the browser, or drop a file." : "Is one there? A file does as well."));
    } finally {
      starting = false;
    }
  }
  button.addEventListener("click", toggle);
}
