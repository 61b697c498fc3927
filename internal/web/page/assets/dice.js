// Draws passphrases.

const words = 6; // as `ditas passphrase` has it

/** draws returns words of a list, no two of them alike, each as likely as any other. */
export function draws(list) {
  const drawn = new Set();
  const fair = 2 ** 32 - (2 ** 32 % list.length); // what is left over would make some words likelier
  while (drawn.size < words) {
    const [v] = crypto.getRandomValues(new Uint32Array(1));
    if (v < fair) drawn.add(list[v % list.length]);
  }
  return [...drawn];
}
