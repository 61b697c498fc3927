// The first tab: a picture and a recording go in, and a recording with the picture in it comes out.

import * as api from "./api.js";
import { Card, chooser, fill, given, say, warn } from "./card.js";
import { draws } from "./dice.js";
import { setUpHidden } from "./hidden.js";
import { Recorder } from "./recorder.js";
import { Secrecy } from "./secrecy.js";
import { draw } from "./spectrogram.js";
import { list, phases, purposes, quality, seconds, sentence, t } from "./words.js";

const id = (name) => document.getElementById(name);

export function setUpHide(session, about, next) {
  const pictureCard = new Card(id("picture-busy"), id("picture-problem"), id("picture-file"));
  const coverCard = new Card(id("cover-busy"), id("cover-problem"), id("cover-file"));
  const room = new Card(id("room-busy"), id("room-problem"), id("listen"));
  const how = new Card(id("hide-busy"), id("hide-problem"), id("hide-go"));
  const hidden = setUpHidden(session, about, next);
  let picture, cover, estimate, hiding;

  const snr = () => -Number(id("strength").value);
  const scale = () => Number(id("size").value) / 100;

  /** withdraw takes back what was made of what is given, or is being made of it, because that has changed. */
  function withdraw() {
    how.cancel();
    how.fail();
    hidden.withdraw();
  }

  function edited() {
    withdraw();
    changed();
  }

  async function takePicture(file) {
    const signal = pictureCard.begin(t.hide.reading);
    try {
      if (file.size > about.maxPicture) throw new api.Problem(t.tooLarge(about.maxPicture), t.hide.chooseSmaller);
      const size = await session.put(`/picture?${new URLSearchParams({ name: file.name })}`, file, signal);
      picture = { name: file.name, ...size };
      id("strip-line").hidden = !size.located;
      id("picture-shown").src = await session.address("/picture");
      given(id("picture-drop"), file.name, t.pixels(size.width, size.height));
      id("picture-warnings").replaceChildren(
        ...(picture.losses ?? []).map((loss) => Object.assign(document.createElement("p"), { textContent: sentence(loss) })),
      );
      say(t.hide.isPicture(file.name));
      edited();
    } catch (error) {
      pictureCard.fail(error);
    } finally {
      pictureCard.end(signal);
    }
  }

  async function takeCover(file) {
    const signal = coverCard.begin(t.hide.reading);
    const [asks, name] = [asked(), wayName()];
    try {
      if (file.size > about.maxRecording) throw new api.Problem(t.tooLarge(about.maxRecording), t.hide.chooseSmallerOr);
      const recording = await api.readable(file);
      signal.throwIfAborted();
      const query = new URLSearchParams({ name: recording.name, ...asks });
      const taken = await session.work("PUT", `/sounds/cover?${query}`, recording, { progress: (at) => coverCard.follow(at) }, signal);
      cover = { ...taken, converted: recording !== file };
      heard.clear();
      wanted = estimate = undefined;
      room.cancel();
      heard.set(name, cover.warnings ?? []);
      given(id("cover-drop"), cover.name, seconds(cover.seconds), cover.format, cover.becomes ? t.hide.becomes(cover.given, cover.becomes) : "");
      say(t.hide.isCover(cover.name));
      edited();
      draw(id("cover-shown"), await session.get("/spectrograms/cover", signal));
    } catch (error) {
      coverCard.fail(error);
    } finally {
      coverCard.end(signal);
    }
  }

  chooser(id("picture-drop"), takePicture);
  chooser(id("cover-drop"), takeCover);

  if (about.photo && about.recording) {
    id("example").hidden = false;
    id("credit").textContent = t.hide.credit(about.photo.credit, about.recording.credit);
    id("example").addEventListener("click", async () => {
      const file = async ({ name }) => new File([await api.example(name)], name);
      try {
        takePicture(await file(about.photo));
        takeCover(await file(about.recording));
      } catch (error) {
        coverCard.fail(error);
      }
    });
  }

  setUpRecorder(coverCard, takeCover);

  // The way of hiding: by what the recording is for, or, for whoever asks for more, by its name.

  const purposeNamed = (name) => about.purposes.find((p) => p.name === name);
  let purpose = about.purposes[0]; // undefined where a way was chosen that serves none
  const asked = () => (purpose ? { for: purpose.name } : { method: way().name });
  const wayName = () => purpose?.name ?? way().name;
  const plain = () => (purpose?.name === "voice" ? "share" : purpose?.name); // what was chosen of those that are shown
  const radios = about.purposes.filter((p) => purposes[p.name]).map((p) => {
    const [label, radio, words, title, says] = ["label", "input", "span", "b", "span"].map((tag) => document.createElement(tag));
    radio.type = "radio";
    radio.name = "purpose";
    radio.value = p.name;
    radio.id = `for-${p.name}`;
    title.textContent = purposes[p.name].title;
    says.textContent = purposes[p.name].says;
    words.append(title, says);
    label.append(radio, words);
    radio.addEventListener("change", () => choose(p, p.method));
    id("purposes").append(label);
    return radio;
  });
  id("voice").addEventListener("change", () => {
    const p = purposeNamed(id("voice").checked ? "voice" : "share");
    choose(p, p.method);
  });
  const way = () => about.methods.find((m) => m.name === id("method").value);
  const strengths = new Map(about.methods.map((m) => [m.name, m.defaultSNR])); // in dB, as chosen for each
  about.methods.forEach((m, i) => id("method").add(new Option(i ? m.name : t.hide.usual(m.name), m.name)));
  let typed = ""; // passphrase
  let suggested; // passphrase
  const secrecy = new Secrecy("passphrase", "salt", "key-file", "also", () => {
    if (!id("hide-go").disabled) hide();
  }, () => {
    withdraw();
    sayPassphrase();
    offer();
  });
  id("method").value = about.methods[0].name; // browsers may remember another one

  /** choose makes another way of hiding the one that is used. */
  function choose(another, method) {
    purpose = another;
    id("method").value = method;
    wanted = estimate = undefined;
    room.fail();
    showWay();
    edited();
  }

  function showWay() {
    const m = way();
    for (const radio of radios) radio.checked = radio.value === plain();
    id("voice-line").hidden = plain() !== "share";
    id("voice").checked = purpose?.name === "voice";
    const strength = id("strength");
    id("strength-knob").hidden = !m.maxSNR; // otherwise the recording decides
    strength.min = -m.maxSNR;
    strength.max = -m.minSNR;
    strength.value = -strengths.get(m.name);
    id("method-summary").textContent = sentence(m.summary);
    id("method-survives").textContent = list(m.survives, "conjunction");
    id("method-loses").textContent = list(m.loses, "disjunction");
    id("method-costs").textContent = m.costs;
    // What is typed for one way is not shown, as if it protected anything, where another takes none.
    const passphrase = id("passphrase");
    if (m.secret && passphrase.disabled) passphrase.value = typed;
    if (!m.secret && !passphrase.disabled) [typed, passphrase.value] = [passphrase.value, ""];
    for (const part of passphrase.parentElement.children) part.disabled = !m.secret;
    passphrase.required = m.secretOnly;
    if (m.secretOnly) id("lock").open = true;
    id("also").hidden = !m.secret;
    sayPassphrase();
  }

  function sayPassphrase() {
    const { secret, secretOnly } = way();
    const { value } = id("passphrase");
    id("passphrase-optional").textContent = !secret ? t.hide.impossible : value ? t.hide.given : secretOnly ? t.hide.needed : t.hide.none;
    id("passphrase-says").textContent = !secret ? t.hide.noPassphrase : value && value === suggested ? t.hide.suggested : t.hide.remember;
  }

  id("suggest").addEventListener("click", async () => {
    const field = id("passphrase");
    id("suggest-problem").hidden = true;
    try {
      suggested = draws(await api.wordList()).join(" ");
    } catch {
      id("suggest-problem").textContent = t.hide.noWords.join(" ");
      id("suggest-problem").hidden = false;
      return;
    }
    if (field.disabled) return; // another way has been chosen since
    field.value = suggested;
    if (field.type === "password") document.querySelector('[data-shows="passphrase"]').click(); // it is to be written down
    field.dispatchEvent(new Event("input"));
    field.focus();
  });

  id("method").addEventListener("change", () => {
    const { value } = id("method");
    choose(about.purposes.find((p) => p.method === value), value);
  });
  id("strength").addEventListener("input", () => strengths.set(way().name, snr()));

  // Each way listens to the recording in its own manner, once.

  const heard = new Map(); // the warnings of the ways that have, by their names
  let wanted; // the way that does, or could not
  let warned; // the warnings that are shown
  async function listen() {
    const name = wayName();
    if (wanted === name) return;
    wanted = name;
    expect("verdict waiting", t.hide.listening);
    const signal = room.begin(phases.surveying);
    try {
      const { warnings } = await session.work("POST", "/survey", JSON.stringify(asked()), { progress: (at) => room.follow(at) }, signal);
      signal.throwIfAborted();
      heard.set(name, warnings ?? []);
      changed();
    } catch (error) {
      room.fail(error);
      if (!signal.aborted) expect("verdict poor", t.hide.unfit);
      if (room.stopped === signal) {
        expect("verdict waiting", t.hide.unheard);
        id("listen").hidden = false;
      }
    } finally {
      room.end(signal);
    }
  }
  id("listen").addEventListener("click", () => {
    wanted = undefined;
    changed();
  });

  // What is to be expected.

  let asking, timer;
  /** sayStrength tells what a strength means: what was chosen, and what comes out of it. */
  function sayStrength(comesOut) {
    const dB = snr();
    const parts = [t.hide.strength(dB), t.hide.weaker];
    if (Math.abs(comesOut - dB) >= 1) parts.splice(1, 0, t.hide.comesOut(comesOut));
    id("strength-says").textContent = parts.join(" ");
  }

  function changed() {
    const dB = snr();
    sayStrength(dB);
    id("strength").setAttribute("aria-valuetext", t.hide.decibels(dB));
    const width = picture && Math.max(1, Math.round(picture.width * scale()));
    const height = picture && Math.max(1, Math.round(picture.height * scale()));
    id("size-says").textContent = t.hide.size(id("size").value, width, height);
    id("size").setAttribute("aria-valuetext", id("size-says").textContent);
    asking?.abort();
    clearTimeout(timer);
    offer();
    if (warned !== heard.get(wayName())) warn(id("cover-warnings"), (warned = heard.get(wayName())) ?? []);
    if (!cover) {
      expect("verdict waiting", picture ? t.hide.needRecording : t.hide.start);
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
    id("hide-go").disabled = open || !picture || !cover || !heard.has(wayName()) || estimate?.pixels === 0;
    id("hide-go").setAttribute("aria-disabled", String(Boolean(hiding))); // it keeps the focus
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
      expect("verdict", "");
      room.fail(error);
    }
    id("room").setAttribute("aria-busy", "false");
  }

  /** expect says what is to be expected, and what to do, and nothing else. */
  function expect(grade, text, advice = "", detail = "") {
    id("verdict").className = grade;
    id("verdict").textContent = text;
    id("advice").textContent = advice;
    id("detail").textContent = detail;
    id("fill").hidden = id("exactly").hidden = id("listen").hidden = true;
    id("room").setAttribute("aria-busy", "false");
  }

  function showEstimate() {
    const { bytes: space, robust, side, tooQuiet, exposed, picture: p } = estimate;
    if (tooQuiet?.bits) {
      expect("verdict poor", ...t.hide.coarse(tooQuiet.bits, tooQuiet.heard));
      return;
    }
    if (tooQuiet) {
      const most = Math.floor(tooQuiet.reached);
      expect("verdict poor", ...t.hide.quiet(most >= way().minSNR ? most : undefined));
      return;
    }
    if (exposed) {
      expect("verdict poor", ...t.hide.exposed(exposed.bits));
      return;
    }
    if (p ? !p.width : !side) {
      expect("verdict poor", ...t.hide.noRoom(way().maxSNR));
      return;
    }
    if (!p) {
      expect("verdict waiting", t.hide.needPicture(side), "", space ? t.hide.room(space) : "");
      return;
    }
    sayStrength(estimate.snr);
    const smaller = p.width < Math.round(picture.width * scale());
    if (!space) {
      expect("verdict", t.hide.fits(smaller, p.width, p.height), t.hide.neverExact);
      return;
    }
    const exact = p.psnr >= 100;
    const details = [t.hide.takes(p.need, space)];
    if (!exact) details.unshift(t.hide.about(p.psnr));
    if (estimate.dithered) details.push(t.hide.dithered);
    if (!way().fragile) {
      if (exact && p.need <= robust) details.push(t.hide.restProtects);
      else if (exact) details.push(t.hide.noneProtects);
      else details.push(estimate.stages?.length ? t.hide.allProtected : t.hide.intoQuality);
    }
    const advice = [smaller && t.hide.scaled(p.width, p.height), way().fragile && t.hide.fragile].filter(Boolean).join(" ");
    expect(`verdict ${quality(p.psnr).grade}`, t.hide.comesBack(p.psnr, picture.losses), advice, details.join(" "));
    id("fill").hidden = false;
    fill(id("fill"), Math.min(1, p.need / space));
    id("exactly").hidden = exact;
  }

  id("exactly").addEventListener("click", async () => {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    id("room").setAttribute("aria-busy", "true");
    room.fail();
    try {
      id("size").value = (await session.get(`/exact?${query()}`, signal)).percent;
      edited();
      id("more").open = true;
      id("size").focus();
    } catch (error) {
      if (signal.aborted) return;
      room.fail(error);
      id("room").setAttribute("aria-busy", "false");
    }
  });

  for (const name of ["strength", "size"]) id(name).addEventListener("input", edited);
  id("strip").addEventListener("change", edited);
  showWay();
  changed();

  // Hiding.

  id("hide-go").addEventListener("click", hide);

  async function hide() {
    if (hiding) return;
    withdraw();
    const signal = how.begin(t.hide.hiding);
    say(t.hide.hiding);
    hiding = signal;
    offer();
    try {
      const key = way().secret ? await secrecy.asked() : { passphrase: "", salt: "", keyFile: "" };
      const body = JSON.stringify({ ...asked(), snr: snr(), scale: scale(), strip: !id("strip-line").hidden && id("strip").checked, ...key });
      const result = await session.work("POST", "/hide", body, { progress: (at) => how.follow(at) }, signal);
      result.cover.converted = cover.converted;
      const saved = await session.address("/sounds/stego/file");
      signal.throwIfAborted();
      hidden.show(result, key, saved);
    } catch (error) {
      if (how.latest(signal)) how.fail(error);
    } finally {
      hiding = undefined;
      offer();
      how.end(signal);
    }
  }

  return {
    /** take takes what was dropped or pasted. */
    take({ picture, recording }) {
      if (picture) takePicture(picture);
      if (recording) takeCover(recording);
    },
  };
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
    text.textContent = t.hide.noMicrophone;
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
        text.textContent = t.hide.stop(s);
        fill(level, Math.sqrt(loudness));
      }, toggle);
      button.classList.add("recording-on");
      level.hidden = false;
      say(t.hide.recording);
    } catch (error) {
      card.fail(new api.Problem(...t.hide.microphone(error.name === "NotAllowedError")));
    } finally {
      starting = false;
    }
  }
  button.addEventListener("click", toggle);
}
