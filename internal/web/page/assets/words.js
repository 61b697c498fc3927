// Figures in words.

export const seconds = (s) => {
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  const whole = Math.round(s);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${String(whole % 60).padStart(2, "0")} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

export const bytes = (n) => {
  if (n < 1000) return `${n} bytes`;
  if (n < 1e6) return `${(n / 1000).toFixed(n < 1e4 ? 1 : 0)} kB`;
  if (n < 1e9) return `${(n / 1e6).toFixed(1)} MB`;
  return `${(n / 1e9).toFixed(1)} GB`;
};

/** round returns a number with about two digits, as people say it. */
export const round = (v) => {
  if (v < 10) return v.toFixed(1).replace(/\.0$/, "");
  const unit = 10 ** (Math.floor(Math.log10(v)) - 1);
  return (Math.round(v / unit) * unit).toLocaleString("en-GB");
};

export const percent = (v) => `${v >= 1 ? 100 : v > 0.99 ? (Math.floor(v * 1000) / 10).toFixed(1) : Math.round(100 * v)} %`;

/** list joins words as in "cutting, silence or noise", the kind being "conjunction" or "disjunction". */
export const list = (words, type) => new Intl.ListFormat("en-GB", { type }).format(words);

/** sentence returns text with a capital letter and a full stop. */
export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** phases says what ditas is busy with. */
export const phases = {
  surveying: "Listening to the recording",
  coding: "Coding the picture",
  embedding: "Hiding",
  checking: "Checking what comes back",
  damaging: "Damaging a copy",
  searching: "Looking for a picture",
  reading: "Reading what was found",
  decoding: "Making the picture",
  restoring: "Filling in what is missing",
  converting: "Writing the picture",
};

export const times = (dB) => round(10 ** (dB / 20));

/** quality says what a PSNR in dB looks like. */
export const quality = (psnr) => {
  if (psnr >= 100) return { grade: "good", title: "exact", says: "not one value of one pixel differs" };
  if (psnr >= 42) return { grade: "good", title: "excellent", says: "no difference to be seen" };
  if (psnr >= 36) return { grade: "good", title: "very good", says: "differences are hard to see" };
  if (psnr >= 31) return { grade: "good", title: "good", says: "fine detail is softer" };
  if (psnr >= 26) return { grade: "fair", title: "fair", says: "visibly softer than the original" };
  if (psnr >= 20) return { grade: "fair", title: "coarse", says: "shapes and colours, little detail" };
  return { grade: "poor", title: "rough", says: "only the broad shapes" };
};
