// What answers the page where there is no server: ditas itself, in a worker. worker/main.go tells of the messages.

import { t } from "./words.js";

export { readable } from "./decode.js";

const root = new URL("../", import.meta.url);
const worker = new Worker(new URL("worker.js", root));
const waiting = new Map(); // by the number of a request: what takes the answer
const addresses = new Map(); // by path: the latest
let last = 0;

const ready = new Promise((resolve, reject) => {
  const fail = (text) => {
    const error = new TypeError(text);
    reject(error);
    for (const { broken } of waiting.values()) broken(error);
    waiting.clear();
  };
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.message || "the program could not be loaded");
  });
  worker.addEventListener("message", ({ data }) => {
    if (data.ready) resolve();
    else if (data.failed) fail(data.failed);
    else waiting.get(data.id)?.take(data);
  });
});
ready.catch(() => {}); // whoever asks is told

// What was loaded once is kept, for when there is no network.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register(new URL("service-worker.js", root)).catch(() => {});
}

/** silence is what to say and to do where nothing answers. */
export const silence = t.api.noProgram;

/** ask returns the Response to what is asked for by a path from the root; options are fetch's method, body and signal. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  if (path.startsWith("/examples/") || path === "/words.txt") return fetch(new URL(`.${path}`, root), { signal });
  await ready;
  signal?.throwIfAborted();
  const id = ++last;
  return new Promise((resolve, reject) => {
    let chunks, begun;
    const end = () => {
      waiting.delete(id);
      signal?.removeEventListener("abort", abort);
    };
    const broken = (error) => {
      end();
      if (begun) chunks.error(error);
      else reject(error);
    };
    const cancel = () => worker.postMessage({ id, cancel: true });
    const abort = () => {
      cancel();
      broken(signal.reason);
    };
    const stream = new ReadableStream({
      start(controller) {
        chunks = controller;
      },
      cancel() {
        cancel();
        end();
      },
    });
    const take = ({ status, headers, chunk, end: ended }) => {
      if (status) {
        begun = true;
        resolve(new Response(status === 204 ? null : stream, { status, headers }));
      } else if (chunk) {
        chunks.enqueue(chunk);
      } else if (ended) {
        end();
        chunks.close();
      }
    };
    waiting.set(id, { take, broken });
    signal?.addEventListener("abort", abort);
    worker.postMessage({ id, method, path, body: body === undefined ? undefined : new Blob([body]) });
  });
}

/** address returns where a browser finds what ask would return, for pictures and links. What it returned for the same path before is gone. */
export async function address(path) {
  const response = await ask(path);
  if (!response.ok) throw new TypeError(`status ${response.status}`);
  const before = addresses.get(path);
  if (before) URL.revokeObjectURL(before);
  const url = URL.createObjectURL(await response.blob());
  addresses.set(path, url);
  return url;
}
