// Files in memory, for a program in Go that wants some: what it calls of Node's fs. They are gone when the worker is.

(() => {
  const pageSize = 1 << 20;

  class Contents {
    size = 0;
    pages = [];

    read(to, at) {
      const n = Math.max(0, Math.min(to.length, this.size - at));
      for (let done = 0; done < n; ) {
        const from = (at + done) % pageSize;
        const part = Math.min(n - done, pageSize - from);
        to.set(this.pages[Math.floor((at + done) / pageSize)].subarray(from, from + part), done);
        done += part;
      }
      return n;
    }

    write(from, at) {
      for (let done = 0; done < from.length; ) {
        const [page, to] = [Math.floor((at + done) / pageSize), (at + done) % pageSize];
        const part = Math.min(from.length - done, pageSize - to);
        while (this.pages.length <= page) this.pages.push(new Uint8Array(pageSize));
        this.pages[page].set(from.subarray(done, done + part), to);
        done += part;
      }
      this.size = Math.max(this.size, at + from.length);
      return from.length;
    }

    truncate(size) {
      this.pages.length = Math.min(this.pages.length, Math.ceil(size / pageSize));
      this.pages[Math.floor(size / pageSize)]?.fill(0, size % pageSize);
      while (this.pages.length * pageSize < size) this.pages.push(new Uint8Array(pageSize));
      this.size = size;
    }
  }

  const constants = { O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, O_DIRECTORY: 65536 };
  const named = new Map();
  const opened = new Map();
  let last = 2; // after standard error
  const text = new TextDecoder();

  /** call gives a callback what a function returns, or the code of the error that it throws. */
  const call = (f) => (...args) => {
    const callback = args.pop();
    let value;
    try {
      value = f(...args);
    } catch (error) {
      callback(error);
      return;
    }
    callback(null, value);
  };
  const failure = (code) => Object.assign(new Error(code), { code });
  const of = (fd) => {
    const file = opened.get(fd);
    if (!file) throw failure("EBADF");
    return file;
  };
  const at = (path) => {
    const contents = named.get(path);
    if (!contents) throw failure("ENOENT");
    return contents;
  };
  const stat = ({ size }) => ({
    dev: 0, ino: 0, mode: 0o100600, nlink: 1, uid: 0, gid: 0, rdev: 0, size, blksize: pageSize, blocks: 0, atimeMs: 0, mtimeMs: 0, ctimeMs: 0,
    isDirectory: () => false,
  });

  globalThis.fs = {
    constants,
    open: call((path, flags) => {
      let contents = named.get(path);
      if (contents && flags & constants.O_EXCL) throw failure("EEXIST");
      if (!contents && !(flags & constants.O_CREAT)) throw failure("ENOENT");
      if (!contents) named.set(path, (contents = new Contents()));
      if (flags & constants.O_TRUNC) contents.truncate(0);
      opened.set(++last, { contents, position: 0 });
      return last;
    }),
    close: call((fd) => void (of(fd), opened.delete(fd))),
    read: call((fd, buffer, offset, length, position) => {
      const file = of(fd);
      const n = file.contents.read(buffer.subarray(offset, offset + length), position ?? file.position);
      if (position === null) file.position += n;
      return n;
    }),
    write: call((fd, buffer, offset, length, position) => {
      const from = buffer.subarray(offset, offset + length);
      if (fd <= 2) return fs.writeSync(fd, from);
      const file = of(fd);
      const n = file.contents.write(from, position ?? file.position);
      if (position === null) file.position += n;
      return n;
    }),
    writeSync(_, from) {
      console.error(text.decode(from).trimEnd()); // only a program that fails says anything
      return from.length;
    },
    fstat: call((fd) => stat(of(fd).contents)),
    stat: call((path) => stat(at(path))),
    lstat: call((path) => stat(at(path))),
    ftruncate: call((fd, size) => of(fd).contents.truncate(size)),
    fsync: call(() => {}),
    unlink: call((path) => void (at(path), named.delete(path))),
    ...Object.fromEntries(
      ["chmod", "chown", "fchmod", "fchown", "lchown", "link", "mkdir", "readdir", "readlink", "rename", "rmdir", "symlink", "truncate", "utimes"].map(
        (name) => [name, call(() => { throw failure("ENOSYS"); })],
      ),
    ),
  };
})();
