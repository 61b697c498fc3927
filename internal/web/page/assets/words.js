// What the page's scripts say: figures in words, and all texts that are not in index.html. Whoever translates the page translates these two files.

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

/** purposes says what a recording may be for, and what the picture survives then. Another word of the server's, voice, is a kind of share here. */
export const purposes = {
  keep: { title: "I keep it, or hand the file on", says: "The picture is exact, given room. It survives cuts, noise and changes of volume, not MP3 and the like." },
  share: { title: "I post or send it", says: "The picture survives MP3, AAC, Opus and Vorbis, as far as they leave room. It is small and not exact." },
  secret: { title: "Nobody may suspect anything", says: "Made not to be found. The picture survives no change of the sound, and it takes a passphrase." },
};

/** t is every other text, by the part of the page that shows it. */
export const t = {
  cancelled: "Cancelled.",
  again: "Change",
  warning: (text) => `This recording ${text}. `,
  percent: (v) => `${v} %`,
  pixels: (width, height) => `${width}×${height} pixels`,
  tooLarge: (most) => `The file is larger than ${bytes(most)}.`,

  api: {
    error: (status) => `Ditas answered with an error (${status}).`,
    noServer: ["Ditas does not answer.", "Is ditas serve still running?"],
    noProgram: ["Ditas could not be started in this browser.", "Reload the page. If that does not help, try a newer browser, or the command."],
    broke: ["The connection to ditas broke.", "Reload this page."],
    stopped: ["Ditas stopped before it was done.", "Reload this page."],
  },

  hide: {
    reading: "Reading",
    chooseSmaller: "Choose a smaller one.",
    chooseSmallerOr: "Choose a smaller one, or use ditas hide.",
    isPicture: (name) => `${name} is the picture to hide.`,
    isCover: (name) => `${name} is the recording to hide it in.`,
    becomes: (given, becomes) => `${given}, which cannot be written as it is; the recording with the picture becomes ${becomes}`,
    credit: (...credits) => `The example: ${credits.join("; ")}.`,
    usual: (name) => `${name} (default)`,
    needed: "needed here",
    given: "as given",
    none: "none, so anyone can reveal it",
    impossible: "not in this way of hiding",
    remember: "Without one, anyone who has ditas can reveal the picture. Several random words are good; whoever forgets them has lost the picture.",
    noPassphrase: "This way of hiding takes no passphrase: anyone who has ditas can reveal the picture.",
    suggested: "These words were drawn at random (the EFF’s list, CC BY 3.0 US). Write them down: whoever forgets them has lost the picture.",
    noWords: ["The list of words could not be loaded.", "Try again, or choose a passphrase of your own."],
    start: "Give a picture and a recording, and this tells how well they go together.",
    needRecording: "Now a recording: any song will do, or a minute of talking.",
    listening: "Ditas listens to the recording for this purpose.",
    unheard: "Ditas has not listened to the recording for this purpose.",
    unfit: "This way of hiding does not work with this recording.",
    strength: (dB) => `The recording is to be about ${times(dB)} times louder than the change (${Math.round(dB)} dB).`,
    comesOut: (dB) => `This one will be about ${times(dB)} times louder than the change (${Math.round(dB)} dB).`,
    weaker: "The change is kept weaker where it would be heard, and once the picture is hidden an ear model says how well that went.",
    decibels: (dB) => `${dB} decibels`,
    size: (percent, width, height) => `${percent} %${width ? `: ${t.pixels(width, height)}` : ""}`,
    coarse: (bits, heard) => [`Samples of ${bits} bits are too coarse for so small a change.`, `Take a recording of 16 bits, or ${heard ? "make this one louder first" : "choose a greater strength"}.`],
    quiet: (most) => ["The recording is too quiet for so small a change.", `${most === undefined ? "Make" : `Move the strength, below, towards “harder to destroy”, to ${most} dB, or make`} the recording louder first.`],
    exposed: (bits) => [
      `A change would be found nearly everywhere in this recording: ${bits < 16 ? `samples of ${bits} bits leave no noise that it could pass for` : "hardly any of it is more than silence"}.`,
      bits < 16 ? "Take a recording of 16 bits or more." : "Take one that goes on throughout.",
    ],
    noRoom: (strong) => (strong ? ["There is no room for a picture in this recording at this strength.", "A greater strength or a longer recording makes room."] : ["There is no room for a picture in this recording.", "A longer one makes room."]),
    needPicture: (side) => `Now a picture: there is room for ${side}×${side} pixels or so.`,
    room: (space) => `There is room for ${bytes(space)} of picture.`,
    fits: (smaller, width, height) => `${smaller ? "To fit, the picture is scaled down to" : "The picture fits, with"} ${t.pixels(width, height)}.`,
    neverExact: "This way of hiding never gives it back exactly. How well it comes back is known once it is hidden.",
    comesBack: (psnr, losses) => `The picture will come back ${psnr < 100 ? `in ${quality(psnr).title} quality: ${quality(psnr).says}` : losses ? "as you see it here" : "exactly"}.`,
    scaled: (width, height) => `To fit, it is scaled down to ${t.pixels(width, height)}.`,
    about: (psnr) => `Its quality will be about ${Math.round(psnr)} dB (PSNR).`,
    takes: (need, space) => `It takes ${bytes(need)} to be exact, and there is room for ${bytes(space)}.`,
    dithered: "The recording is rounded to 16 bits with dither, as most programs export it.",
    fragile: "Nothing survives a change: send the recording as a file.",
    restProtects: "The rest protects it against noise and loss.",
    noneProtects: "That leaves no room to protect it against noise.",
    allProtected: "All of it is protected; how much a codec leaves depends on the codec.",
    intoQuality: "All of that goes into quality, and little into protection.",
    hiding: "Hiding",
    withdrawn: "What was hidden before no longer fits, and is gone. Hide the picture again.",
    noMicrophone: "The microphone works on localhost only",
    recording: "Recording.",
    stop: (s) => `Stop recording (${seconds(Math.floor(s)).replace(".0 s", " s")})`,
    microphone: (refused) => ["The microphone cannot be used.", refused ? "Allow it in the browser, or drop a file." : "Is one there? A file does as well."],
  },

  hidden: {
    isIn: (before, after) => `${after} is ${before} with the picture in it.`,
    became: (kind) => `It has become ${kind}.`,
    isNow: (kind) => `What it was cannot be written as it is: it is now ${kind}.`,
    same: "It is the same kind of file and just as long.",
    other: (kind) => `It is a ${kind} file.`,
    secret: "Who knows the passphrase can reveal the picture.",
    weak: "It is easy to guess: six words drawn at random would not be.",
    open: "Anyone who has ditas can reveal the picture.",
    survives: (survives, loses) => `The picture survives ${list(survives, "conjunction")}, but not ${list(loses, "disjunction")}.`,
    done: (name) => `The picture is hidden in ${name}.`,
    before: "Before",
    after: "After",
    change: (times) => `The change alone, ${round(times)} times louder`,
    comparing: "Comparing before and after",
    changeFact: "The change in the recording",
    fainter: (dB) => `${times(dB)} times fainter`,
    snr: (dB, deviation) => `SNR ${dB.toFixed(1)} dB; largest change ${(100 * deviation).toPrecision(2)} % of full scale`,
    earFact: "To the ear, by a model of it",
    asking: "asking an ear model",
    warning: (text, advice) => sentence(`the recording ${text}; ${advice}`),
    backFact: "The picture that comes back",
    veryFile: "the very file",
    asHidden: "as it was hidden",
    quality: (psnr) => `${quality(psnr).title} quality`,
    file: (name, size) => `${name}, ${bytes(size)}, byte for byte`,
    noDifference: "not one value of one pixel differs",
    psnr: (psnr, fillsIn) => `PSNR ${psnr.toFixed(1)} dB: ${quality(psnr).says}${fillsIn ? "; a network may add a little" : ""}`,
    scaledFrom: ([width, height]) => `, scaled down from ${width}×${height}`,
    samplesFact: "The samples",
    dithered: ["16 bits, dithered", "as most programs export recordings"],
    afterFact: (what) => `After ${what}`,
    asARule: (psnr) => `PSNR ${psnr.toFixed(1)} dB, as a rule`,
    changesFact: "If anything changes",
    allLost: ["all is lost", "send the recording as a file, and to no service that converts it"],
    lossFact: "If a piece gets lost",
    spare: (spare, most) =>
      spare < 0.01
        ? ["every piece counts", `all room went into quality; up to ${percent(most)} it stays recognisable`]
        : [`${percent(spare)} may go`, `before any of the picture does; up to ${percent(most)} it stays recognisable`],
    noise: (robust) => (robust ? "protected against noise too" : "there was no room to protect it against noise"),
    ungraded: (share) => ["no grade at this rate", `an ear model finds the change masked by the recording in ${percent(share)} of all moments`],
    graded: (odg) => {
      const grades = [[-0.5, "nothing to hear"], [-1, "hardly to be heard"], [-2, "can be heard"], [-3, "plainly heard"]];
      const title = grades.find(([least]) => odg >= least)?.[1] ?? "disturbing";
      return [title, `ODG ${odg.toFixed(1).replace("-", "−")}, a model of the grade that listeners would give: 0 is not heard, −4 very annoying`];
    },
    spectrograms: (before, after) => [`Spectrogram of ${before}`, `Spectrogram of ${after}`, "Spectrogram of the difference between the two"],
    kilohertz: (rate) => `${round(rate / 1000)} kHz`,
  },

  blind: {
    round: (now, of) => `Round ${now} of ${of}.`,
    result: (right, of) => {
      const times = right === 1 ? "once" : `${right} times`;
      const says = right === of ? `mere guessing gets there once in ${2 ** of} tries: you may well hear it` : "mere guessing is right about half of the time";
      return `You were right ${times} out of ${of}; ${says}. Guess on for another ${of}.`;
    },
  },

  share: {
    again: "Press once more: it took too long to get the file ready.",
    failed: "It could not be shared. Save it instead.",
  },

  player: {
    position: "Position",
    listenTo: "Listen to",
    play: "Play",
    pause: "Pause",
    of: (now, all) => `${clock(now)} of ${clock(all)}`,
    failed: "This browser cannot play the recording. Save it and play it with another program.",
  },

  secrecy: {
    unreadable: ["The browser reads such a file only on the machine that ditas runs on.", "Leave it out, or use ditas on the command line."],
    large: ["The file that both have is larger than 512 MB.", "Choose a smaller one, or use ditas on the command line."],
    empty: ["The file that both have is empty.", "Choose another one."],
  },

  reveal: {
    reading: "Reading",
    revealing: "Revealing",
    isFrom: (name) => `${name} is the recording to reveal from.`,
    nothing: "nothing",
    none: "none",
    below: (dB) => `${dB} dB below the recording`,
    withdrawn: "The picture that was revealed before no longer fits, and is gone. Reveal it again.",
    appears: "The picture appears",
    stage: (i) => `Stage ${i + 1}`,
    afterStage: (i) => `The picture after stage ${i + 1}`,
    arrived: (arrived, blocks) => (arrived === blocks ? "arrived" : arrived ? `${arrived} of ${blocks} pieces arrived` : "lost"),
    dB: (psnr) => (psnr === null || psnr === undefined ? "" : psnr >= 100 ? "exact" : `${psnr.toFixed(1)} dB`),
    picture: "The revealed picture",
    itself: "The file itself",
    restored: "Restored",
    fillsIn: "a network fills in",
    title: (file, exact, complete) => (file ? "Here it is, the very file" : exact ? "Here it is, exactly as it was hidden" : complete ? "Here it is" : "Here is what survived"),
    byteForByte: (name, size) => `${name}, ${bytes(size)}: byte for byte as it was hidden.`,
    exact: "Not one value of one pixel differs from the picture that was hidden.",
    complete: "All that was hidden has arrived.",
    partly: "Parts are missing, so the picture is coarser than the one that was hidden.",
    quality: (psnr) => `Its quality is ${quality(psnr).title}: ${quality(psnr).says}.`,
    damaged: (s) => `The recording’s file is damaged: ${Math.max(0.01, s).toFixed(2)} s of it cannot be read.`,
    altered: "The recording’s samples do not match the checksum in its header: something has changed them.",
    complaint: (says) => `The recording seems to be damaged or cut off: the program that decoded it says: ${says}`,
    found: (share, frames) => `${percent(share)} of the ${frames} pieces that were written (teal); what is red is missing.`,
    allFound: (frames) => `All ${frames} pieces that were written.`,
    gain: (dB) => `The volume has changed by ${dB.toFixed(1)} dB.`,
    inverted: "The polarity is inverted.",
    map: (says) => `Map of the recording, from beginning to end: ${says}`,
    savePicture: "Save the picture",
    save: (name) => `Save ${name}`,
  },
};
