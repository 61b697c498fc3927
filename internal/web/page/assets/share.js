// Hands a file to another program, where the browser can.

import { t } from "./words.js";

const id = (name) => document.getElementById(name);

/** Share is a button that shares a file, and is not there where nothing can. */
export class Share {
  /** @param name the id of the button, @param shared called when a file was handed over */
  constructor(name, session, shared = () => {}) {
    Object.assign(this, { button: id(name), problem: id(`${name}-problem`), session, shared });
    this.button.addEventListener("click", () => this.share());
  }

  /** offer offers what is at a path of the session, or nothing. */
  offer(path, name, type) {
    this.offered = { path, name, type };
    this.problem.hidden = true;
    this.button.hidden = !path || !navigator.canShare?.({ files: [new File(["?"], name, { type })] });
  }

  async share() {
    const { offered } = this;
    this.problem.hidden = true;
    try {
      offered.file ??= new File([await this.session.blob(offered.path)], offered.name, { type: offered.type });
      if (offered !== this.offered) return;
      await navigator.share({ files: [offered.file] });
      this.shared();
    } catch (error) {
      if (error.name === "AbortError") return; // somebody changed their mind
      this.problem.textContent = error.name === "NotAllowedError" ? t.share.again : t.share.failed;
      this.problem.hidden = false;
    }
  }
}
