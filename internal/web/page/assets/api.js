// What the page asks ditas, and how it learns of progress.

import * as backend from "./backend.js";
import { t } from "./words.js";

export { readable } from "./backend.js";

/** Problem is an error in words for people, with something to do about it. */
export class Problem extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint ?? "";
  }
}

/** lines yields the JSON values of a response, one a line, as they arrive. */
async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
  }
}

/** check returns a response that is fine and throws a Problem for any other. */
async function check(response) {
  if (response.ok) return response;
  let error;
  try {
    ({ error } = await response.json());
  } catch {
    // Not from ditas itself.
  }
  throw new Problem(error?.message ?? t.api.error(response.status), error?.hint);
}

async function ask(path, options) {
  try {
    return await check(await backend.ask(path, options));
  } catch (error) {
    if (error instanceof TypeError) throw new Problem(...backend.silence);
    throw error;
  }
}

export const about = async () => (await ask("/api/about")).json();
/** wordList yields the words that passphrases are drawn from. */
export const wordList = async () => (await (await ask("/words.txt")).text()).trim().split("\n");
export const example = async (name) => (await ask(`/examples/${encodeURIComponent(name)}`)).blob();

/**
 * Session is this page's place at ditas. It lasts as long as one response, and with it goes everything that was given to it.
 */
export class Session {
  static async open(lost) {
    const session = new Session();
    const abort = new AbortController();
    session.close = () => abort.abort();
    const events = lines(await ask("/api/sessions", { method: "POST", signal: abort.signal }));
    session.base = `/api/sessions/${(await events.next()).value.session}`;
    (async () => {
      try {
        for await (const _ of events);
      } catch {
        // The connection broke.
      }
      if (!abort.signal.aborted) lost();
    })();
    return session;
  }

  url(path) {
    return this.base + path;
  }

  /** address returns where a browser finds something, for pictures and links. */
  address(path) {
    return backend.address(this.url(path));
  }

  async get(path, signal) {
    return (await ask(this.url(path), { signal })).json();
  }

  async blob(path, signal) {
    return (await ask(this.url(path), { signal })).blob();
  }

  async samples(which, from, frames, signal) {
    const response = await ask(this.url(`/sounds/${which}/samples?from=${from}&frames=${frames}`), { signal });
    return new Float32Array(await response.arrayBuffer());
  }

  async put(path, body, signal) {
    return (await ask(this.url(path), { method: "PUT", body, signal })).json();
  }

  /** work starts something that takes time, calls each event's handler by its name, and returns the result. */
  async work(method, path, body, handlers, signal) {
    const response = await ask(this.url(path), { method, body, signal });
    try {
      for await (const event of lines(response)) {
        if (event.error) throw new Problem(event.error.message, event.error.hint);
        if (event.result) return event.result;
        for (const [name, value] of Object.entries(event)) handlers[name]?.(value);
      }
    } catch (error) {
      if (error instanceof TypeError) throw new Problem(...t.api.broke);
      throw error;
    }
    throw new Problem(...t.api.stopped);
  }
}
