// Keeps the site, so that it is there without a network. The program that makes the site puts its version and its files before this: const version, files.

const scope = new URL("./", location.href).href;
const prefix = `ditas ${scope} `;
const name = prefix + version;

// A server may lead from the page's name to its folder, and what it leads away from cannot be shown.
const address = (file) => new URL(file === "index.html" ? "./" : file, scope).href;

addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(name).then((cache) => cache.addAll(files.map((file) => new Request(address(file), { cache: "no-cache" })))),
  );
});

// A page that is open keeps the version that it began with: this happens when the last one of another version has been closed.
addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const other of await caches.keys()) if (other.startsWith(prefix) && other !== name) await caches.delete(other);
      await clients.claim();
    })(),
  );
});

addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !url.startsWith(scope)) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(name);
      return (await cache.match(url === `${scope}index.html` ? scope : url, { ignoreSearch: true })) ?? fetch(event.request);
    })(),
  );
});
