// The keys: one list, for the dialog, for the line at the foot, for whoever looks for them.

import { $, make } from "./dom.js";
import { TOOLS } from "./editor.js";
import { capOf } from "./editor_panel.js";

const KEYS = [
  ["List", ["↑", "↓"], "choose a track", "choose"],
  ["List", ["Enter"], "open it", "open"],
  ["List", ["Home", "End", "Page ↑", "Page ↓"], "jump"],
  ["List", ["/"], "search"],
  ["Track", ["Space"], "play, pause", "play"],
  ["Track", ["←", "→"], "a bar back, on", "a bar"],
  ["Track", ["Shift", "←", "→"], "a beat back, on"],
  ["Track", ["D"], "next drop", "next drop"],
  ["Track", ["Shift", "D"], "the drop before"],
  ["Track", ["J", "K"], "section before, next section"],
  ["Track", ["L"], "loop the section"],
  ["Track", ["M"], "metronome"],
  ["Track", ["+", "−"], "zoom", "zoom"],
  ["Track", ["E"], "edit: the workbench", "edit"],
  ["Page", ["Esc"], "close what is open", "close"],
  ["Page", ["?"], "these keys", "all keys"],
];

const caps = (keys) => keys.map((key) => make("kbd", {}, key));

export function startKeys() {
  $("keys").append(...KEYS.filter(([, , , brief]) => brief).map(([, keys, , brief]) => make("span", {}, ...caps(keys), ` ${brief}`)));
  $("help").addEventListener("click", showKeys);
  $("key-list").addEventListener("click", (event) => { if (event.target === $("key-list")) $("key-list").close(); });
}

/** The dialog of all keys. */
export function showKeys() {
  const all = [...KEYS, ...TOOLS.map(([, key, , title]) => ["Workbench", capOf(key).replace("⇧", "Shift ").split(" "), title]), ["Workbench", ["4", "…", "9"], "take another reading"]];
  const groups = [...new Set(all.map(([group]) => group))];
  const close = make("button", { class: "quiet", "aria-label": "Close", onclick: () => $("key-list").close() }, "✕");
  const part = (group) => make("section", {}, make("h3", {}, group), make("dl", {}, ...all.filter((row) => row[0] === group).map(([, keys, what]) => make("div", {}, make("dt", {}, ...caps(keys)), make("dd", {}, what)))));
  const title = make("h2", { id: "key-list-title" }, "Keys");
  $("key-list").replaceChildren(make("header", {}, title, close), make("div", { class: "key-groups" }, ...groups.map(part)));
  $("key-list").showModal();
}
