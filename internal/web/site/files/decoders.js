// Has the browser run the decoders of HEIC and AVIF, programs in WebAssembly that want a little of an operating system and are given next to nothing:
// picture/internal/heif/decoder_js.go calls this.

/** compileDecoder returns what can be started, any number of times; the loops of all together may call a function of this name so many times. */
globalThis.compileDecoder = async (source, module, poll, polls) => {
  const code = await WebAssembly.compile(source);
  let left = polls;
  return {
    async start() {
      let memory;
      const [done, badFile] = [() => 0, () => 8]; // numbers of WASI
      const system = {
        environ_get: done,
        environ_sizes_get(count, size) {
          const view = new DataView(memory.buffer);
          view.setUint32(count, 0, true);
          view.setUint32(size, 0, true);
          return 0;
        },
        proc_exit(status) {
          throw new Error(`the decoder ended: ${status}`);
        },
      };
      for (const name of ["close", "fdstat_get", "prestat_get", "prestat_dir_name", "read", "seek", "write"]) system[`fd_${name}`] = badFile;
      const polling = () => {
        if (--left < 0) throw new Error("decoding takes too long");
      };
      const { exports } = await WebAssembly.instantiate(code, { wasi_snapshot_preview1: system, [module]: { [poll]: polling } });
      memory = exports.memory;
      exports._initialize?.();
      return exports;
    },
  };
};
