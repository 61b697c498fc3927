// The page: a session with ditas, two tabs, and what goes for the whole window.

import * as api from "./api.js";
import { sorted } from "./files.js";
import { setUpHide } from "./hide.js";
import { setUpReveal } from "./reveal.js";
import { unsaved } from "./unsaved.js";

const id = (name) => document.getElementById(name);

const lost = () => {
  id("lost").hidden = false;
  unsaved(false); // nothing can be saved any more
};
id("reload").addEventListener("click", () => location.reload());

// Each tab has an address, #hide or #reveal, so that the browser's back leads from one to the other.
const tabs = ["hide", "reveal"];
function show(name, focus = false) {
  if (id(name).hidden) history.pushState(null, "", `#${name}`);
  turn(name);
  if (focus) id(`tab-${name}`).focus();
}
function turn(name) {
  for (const tab of tabs) {
    const button = id(`tab-${tab}`);
    button.setAttribute("aria-selected", String(tab === name));
    button.tabIndex = tab === name ? 0 : -1;
    id(tab).hidden = tab !== name;
  }
}
function follow() {
  const name = location.hash.slice(1) || tabs[0];
  if (tabs.includes(name)) turn(name);
}
addEventListener("popstate", follow);
follow();
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

/** receive has files taken that are dropped anywhere on the page, or pasted. */
function receive(take) {
  const has = (event) => event.dataTransfer.types.includes("Files");
  const over = (on) => document.documentElement.classList.toggle("over", on);
  addEventListener("dragover", (event) => {
    if (!has(event)) return;
    event.preventDefault(); // or the file would replace the page
    over(true);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over(false); // it has left the window
  });
  const receiving = (name, from) => {
    addEventListener(name, async (event) => {
      over(false);
      const files = [...(event[from]?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      take(await sorted(files));
    });
  };
  receiving("drop", "dataTransfer");
  receiving("paste", "clipboardData");
}

try {
  const [session, about] = await Promise.all([api.Session.open(lost), api.about()]);
  // Browsers may keep a page that was left, and what it holds, for those who come back.
  addEventListener("pagehide", () => session.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  const reveal = setUpReveal(session, about);
  const hide = setUpHide(session, about, {
    made: reveal.made,
    withdrawn: reveal.withdrawn,
    reveal() {
      show("reveal", true);
      reveal.takeMade();
    },
  });
  receive((files) => (id("hide").hidden ? reveal : hide).take(files));
  document.documentElement.dataset.ready = "";
} catch (error) {
  const [bold, rest] = [document.createElement("strong"), document.createElement("span")];
  bold.textContent = `${error.message} `;
  rest.textContent = error.hint ?? "";
  id("lost").querySelector("p").replaceChildren(bold, rest);
  lost();
}
