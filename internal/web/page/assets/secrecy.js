// What a key is made of: a passphrase, and what both sides have.

import { Problem } from "./api.js";
import { t } from "./words.js";

const id = (name) => document.getElementById(name);
const most = 1 << 29; // bytes of a file that are read at once

/** hash returns a file's SHA-256 in hexadecimal, empty without a file. */
async function hash(file) {
  if (!file) return "";
  if (!crypto.subtle) throw new Problem(...t.secrecy.unreadable);
  if (file.size > most) throw new Problem(...t.secrecy.large);
  if (!file.size) throw new Problem(...t.secrecy.empty);
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Secrecy is one form: the ids of its passphrase, name, file and of the part that holds the latter two. */
export class Secrecy {
  #kept = ""; // hash of a file that was not chosen here

  /** go is called when somebody wants to begin, and changed when the key is another one. */
  constructor(passphrase, salt, file, also, go, changed) {
    [this.passphrase, this.salt, this.file, this.also] = [passphrase, salt, file, also].map(id);
    this.file.addEventListener("change", changed);
    for (const input of [this.passphrase, this.salt]) {
      input.addEventListener("input", changed);
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") go();
      });
    }
  }

  /** asked returns what a request says. */
  async asked() {
    return {
      passphrase: this.passphrase.value,
      salt: this.salt.value,
      keyFile: this.file.files[0] ? await hash(this.file.files[0]) : this.#kept,
    };
  }

  /** take fills in what another form asked for, and tells whether there is a file among it. */
  take({ passphrase, salt, keyFile }) {
    [this.passphrase.value, this.salt.value, this.file.value, this.#kept] = [passphrase, salt, "", keyFile];
    this.also.open = Boolean(salt || keyFile);
    return Boolean(keyFile);
  }
}
