// What answers the page: the server that it came from. A static site has another file in this one's place, with the same functions.

import { t } from "./words.js";

/** silence is what to say and to do where nothing answers. */
export const silence = t.api.noServer;

/** ask returns the Response to what is asked for by a path from the root; options are fetch's method, body and signal. */
export const ask = (path, options) => fetch(`.${path}`, options);

/** address returns where a browser finds what ask would return, for pictures and links. */
export const address = async (path) => `.${path}?${Date.now()}`;

/** readable returns a recording as a file that ditas reads. */
export const readable = async (file) => file;
