// Draws spectrograms, dark where there is nothing and bright where it is loud, in steps of equal lightness.

const stops = [
  [8, 9, 24], [38, 18, 74], [86, 25, 104], [139, 40, 107], [190, 61, 93], [229, 98, 72], [248, 151, 78], [251, 206, 118], [252, 250, 204],
];

const colours = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  const at = (i / 255) * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(at));
  const [r, g, b] = stops[k].map((v, c) => Math.round(v + (stops[k + 1][c] - v) * (at - k)));
  colours[i] = (255 << 24) | (b << 16) | (g << 8) | r;
}

/** draw draws a spectrogram as ditas sends it, louder by so many dB. */
export function draw(canvas, spectrogram, louder = 0) {
  const { columns, rows, levels } = spectrogram;
  const bytes = Uint8Array.from(atob(levels), (c) => c.charCodeAt(0));
  const lift = Math.round((255 * louder) / (spectrogram.highest - spectrogram.lowest));
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < bytes.length; i++) pixels[i] = colours[bytes[i] && Math.min(255, bytes[i] + lift)];
  canvas.getContext("2d").putImageData(image, 0, 0);
}
