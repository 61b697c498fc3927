// The page: a session with ditas, two tabs, and what goes for the whole window.

import * as api from "./api.js";
import { setUpHide } from "./hide.js";
import { setUpReveal } from "./reveal.js";

const id = (name) => document.getElementById(name);

const lost = () => {
  id("lost").hidden = false;
};
id("reload").addEventListener("click", () => location.reload());

// A file that misses its place must not replace the page.
for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());

const tabs = ["hide", "reveal"];
export function show(name, focus = false) {
  for (const tab of tabs) {
    const button = id(`tab-${tab}`);
    button.setAttribute("aria-selected", String(tab === name));
    button.tabIndex = tab === name ? 0 : -1;
    id(tab).hidden = tab !== name;
  }
  if (focus) id(`tab-${name}`).focus();
}
for (const [i, tab] of tabs.entries()) {
  id(`tab-${tab}`).addEventListener("click", () => show(tab));
  id(`tab-${tab}`).addEventListener("keydown", (event) => {
    const other = { ArrowRight: tabs[1 - i], ArrowLeft: tabs[1 - i], Home: tabs[0], End: tabs.at(-1) }[event.key];
    if (!other) return;
    event.preventDefault(); // or the page scrolls away from the tab
    show(other, true);
  });
}

for (const button of document.querySelectorAll("[data-shows]")) {
  button.addEventListener("click", () => {
    const input = id(button.dataset.shows);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
}

try {
  const [session, about] = await Promise.all([api.Session.open(lost), api.about()]);
  // Browsers may keep a page that was left, and what it holds, for those who come back.
  addEventListener("pagehide", () => session.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  const reveal = setUpReveal(session);
  setUpHide(session, about, {
    made: reveal.made,
    reveal() {
      show("reveal", true);
      reveal.takeMade();
    },
  });
  document.documentElement.dataset.ready = "";
} catch (error) {
  const [bold, rest] = [document.createElement("strong"), document.createElement("span")];
  bold.textContent = `${error.message} `;
  rest.textContent = error.hint ?? "";
  id("lost").querySelector("p").replaceChildren(bold, rest);
  lost();
}
