// Runs ditas, which then takes messages and sends them: worker/main.go tells of these.

importScripts("memory.js", "decoders.js", "wasm_exec.js");

/** program returns the program, which is compressed, unless the server had the browser undo that. */
async function program() {
  const response = await fetch("ditas.wasm.gz");
  if (!response.ok) throw new Error(`the program could not be loaded: status ${response.status}`);
  const file = await response.blob();
  const [first] = new Uint8Array(await file.slice(0, 1).arrayBuffer());
  const packed = first === 0x1f;
  const stream = packed ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  return new Response(stream, { headers: { "Content-Type": "application/wasm" } });
}

(async () => {
  try {
    const go = new Go();
    go.exit = (code) => postMessage({ failed: `the program ended: ${code}` });
    const { instance } = await WebAssembly.instantiateStreaming(program(), go.importObject);
    await go.run(instance);
  } catch (error) {
    postMessage({ failed: String(error?.message ?? error) });
  }
})();
