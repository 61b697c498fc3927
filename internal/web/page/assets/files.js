// Tells pictures and recordings apart.

// What pictures begin with.
const pictures = [/^\x89PNG/, /^\xff\xd8\xff/, /^GIF8/, /^RIFF....WEBP/s, /^....ftyp(hei|hev|mif1|msf1|avi[fs])/s, /^BM/, /^II\*\0/, /^MM\0\*/];

/** isPicture tells whether a file is a picture, by its type or by its first bytes: browsers do not know all types. */
async function isPicture(file) {
  if (file.type.startsWith("image/")) return true;
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  return pictures.some((begins) => begins.test(head));
}

/** sorted returns the first picture and the first of the other files, which may be recordings; undefined if there is none. */
export async function sorted(files) {
  const found = {};
  for (const file of files) found[(await isPicture(file).catch(() => false)) ? "picture" : "recording"] ??= file;
  return found;
}
