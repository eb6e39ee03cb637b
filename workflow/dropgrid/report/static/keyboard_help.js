// The keyboard shortcuts by task: for the dialog, and for the line at the bottom.

import { $, make } from "./dom.js";
import { TOOLS } from "./editor.js";
import { keyCap } from "./editor_panel.js";
import { titled } from "./text.js";

/** @type {[string, string[], string, string?][]} */
const KEYS = [
  ["Find a track", ["↑", "↓"], "choose a track", "choose"],
  ["Find a track", ["Enter"], "open it", "open"],
  ["Find a track", ["Home", "End", "Page ↑", "Page ↓"], "jump"],
  ["Find a track", ["/"], "search"],
  ["Listen", ["Space"], "play, pause", "play"],
  ["Listen", ["←", "→"], "a bar back, forward", "a bar"],
  ["Listen", ["Shift", "←", "→"], "a beat back, forward"],
  ["Listen", ["D"], "next drop", "next drop"],
  ["Listen", ["Shift", "D"], "previous drop"],
  ["Listen", ["J", "K"], "previous section, next section"],
  ["Listen", ["L"], "loop the section"],
  ["Listen", ["M"], "metronome"],
  ["Listen", ["+", "−"], "zoom", "zoom"],
  ["Mix", ["Shift", "M"], "what mixes with this track", "mix"],
  ["Mix", ["Alt", "↑", "↓"], "move a track within the set"],
  ["The page", ["E"], "edit: the workbench", "edit"],
  ["The page", ["Esc"], "close", "close"],
  ["The page", ["?"], "list all shortcuts", "all shortcuts"],
];
const TASK_TITLES = { Tempo: "Fix the tempo", Beats: "Fix the beats", Downbeat: "Fix the downbeat", Sections: "Edit sections", Key: "Set the key", Undo: "Undo", Confirm: "Confirm, lock, next track" };

const caps = (keys) => keys.map((key) => make("kbd", {}, key));

export function startKeys() {
  $("keys").append(...KEYS.filter(([, , , brief]) => brief).map(([, keys, , brief]) => make("span", {}, ...caps(keys), ` ${brief}`)));
  $("help").addEventListener("click", showKeys);
  $("key-list").addEventListener("click", (event) => { if (event.target === $("key-list")) $("key-list").close(); });
}

/** Show the dialog of all keyboard shortcuts. */
export function showKeys() {
  /** @type {[string, string[], string, string?][]} */
  const tools = TOOLS.map(([group, key, , title]) => [TASK_TITLES[group], keyCap(key).replace("⇧", "Shift ").replace("↵", "Enter").split(" "), title]);
  const all = [...KEYS.filter(([group]) => group !== "The page"), ...tools, ["Fix the beats", ["4", "…", "9"], "Choose an alternative"], ...KEYS.filter(([group]) => group === "The page")];
  const groups = [...new Set(all.map(([group]) => group))];
  const close = make("button", { class: "quiet", "aria-label": "Close", onclick: () => $("key-list").close() }, "✕");
  const part = (group) => make("section", {}, make("h3", {}, group), make("dl", {}, ...all.filter((row) => row[0] === group).map(([, keys, what]) => make("div", {}, make("dt", {}, ...caps(keys)), make("dd", {}, titled(what))))));
  const title = make("h2", { id: "key-list-title" }, "Keyboard shortcuts");
  $("key-list").replaceChildren(make("header", {}, title, close), make("div", { class: "key-groups" }, ...groups.map(part)));
  $("key-list").showModal();
}
