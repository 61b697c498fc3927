// Has the browser ask before a page is left on which something was made that is not saved.

const ask = (event) => event.preventDefault();

/** unsaved tells whether there is something to lose. */
export const unsaved = (something) => (something ? addEventListener : removeEventListener)("beforeunload", ask);
