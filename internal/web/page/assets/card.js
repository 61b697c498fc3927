// What all cards of the page have in common: a place for a file, progress, and what went wrong.

import { phases, sentence, t } from "./words.js";

const $ = (root, selector) => root.querySelector(selector);

/** say tells those who listen to the page. */
export const say = (text) => {
  document.getElementById("status").textContent = text;
};

export class Card {
  /**
   * @param progress where progress is shown
   * @param problem where what went wrong is
   * @param back what has the focus when the button that cancels goes
   */
  constructor(progress, problem, back) {
    Object.assign(this, { progress, problem, back });
    $(progress, ".cancel").addEventListener("click", () => {
      this.stopped = this.abort.signal;
      this.cancel();
      say(t.cancelled);
    });
  }

  cancel() {
    this.abort?.abort();
  }

  /** begin shows that work has begun, cancels what was under way, and returns the signal that cancels this. */
  begin(text) {
    this.cancel();
    this.abort = new AbortController();
    this.fail();
    this.step(text);
    return this.abort.signal;
  }

  /** step shows how far the work is, 0 to 1, or that nobody knows. */
  step(text, done) {
    const bar = $(this.progress, "progress");
    this.progress.hidden = false;
    if (done === undefined) bar.removeAttribute("value");
    else bar.value = done;
    $(this.progress, "span").textContent = done === undefined ? `${text} …` : `${text}: ${Math.floor(100 * done)} %`;
  }

  /** follow shows progress that ditas tells of. Where a phase begins and ends nobody knows how far it is. */
  follow({ phase, done }) {
    this.step(phases[phase], done > 0 && done < 1 ? done : undefined);
  }

  /** latest tells whether a signal belongs to the work that began last. */
  latest(signal) {
    return this.abort?.signal === signal;
  }

  /** end hides the progress of the work that a signal belongs to. */
  end(signal) {
    if (!this.latest(signal)) return;
    const focused = this.progress.contains(document.activeElement);
    this.progress.hidden = true;
    if (focused) this.back.focus();
  }

  /** fail says what went wrong, or that all is well. */
  fail(error) {
    if (error?.name === "AbortError") return;
    this.problem.hidden = !error;
    this.problem.replaceChildren();
    if (!error) return;
    this.problem.append(error.message);
    if (error.hint) {
      const hint = document.createElement("span");
      hint.textContent = error.hint;
      this.problem.append(hint);
    }
  }
}

/** fill shows in a bar how much, 0 to 1. */
export function fill(bar, share) {
  bar.setAttribute("aria-valuenow", Math.round(100 * share));
  bar.firstElementChild.style.width = `${100 * Math.min(1, share)}%`;
}

/** warn tells what is wrong with a recording and what to do, as ditas warns. */
export function warn(root, warnings) {
  root.replaceChildren(
    ...warnings.map(({ text, advice }) => {
      const [p, span] = [document.createElement("p"), document.createElement("span")];
      span.textContent = sentence(advice);
      p.append(t.warning(text), span);
      return p;
    }),
  );
}

/** chooser makes a place for a file take the one that is chosen in it. */
export function chooser(root, take) {
  const input = $(root, "input[type=file]");
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) take(file);
    input.value = "";
  });
}

/** given shows in a place for a file what was given: its name and what else there is to say. */
export function given(root, name, ...more) {
  root.classList.add("full");
  const figure = $(root, ".given");
  figure.hidden = false;
  const title = document.createElement("b");
  title.textContent = name;
  const rest = document.createElement("span");
  rest.textContent = more.filter(Boolean).join(", ");
  const again = document.createElement("span");
  again.className = "again";
  again.setAttribute("aria-hidden", "true");
  again.textContent = t.again;
  $(figure, "figcaption").replaceChildren(title, rest, again);
}

/** empty shows a place for a file with nothing in it. */
export function empty(root) {
  root.classList.remove("full");
  $(root, ".given").hidden = true;
}
