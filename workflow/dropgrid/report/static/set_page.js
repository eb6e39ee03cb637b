// The set: tracks in playing order, moved by hand or re-ordered around the locked tracks.

import { showTrack } from "./application.js";
import { $, make, writeStored, readStored } from "./dom.js";
import { workbench } from "./editor.js";
import { keyColour, shape } from "./key_wheel.js";
import { playlist } from "./list_formats.js";
import { download } from "./downloads.js";
import { courseLines, moved } from "./set_order.js";
import { bpmText, clock, count } from "./text.js";
import { camelotText, library, tracks } from "./tracks.js";

const SET_STORAGE_KEY = library.served ? `set ${library.results}` : `set ${location.pathname}`;
const ENERGY_COURSES = [["free", "best transitions"], ["rising", "rising energy"], ["wave", "energy in waves"], ["peak", "peak at 60 %"]];
const FILES = [[".cue", "Cue sheet", "A cue sheet for a recording of this set, with the beginning of each track"], [".csv", "Table", "A table of the transitions with their mix points"], [".json", "JSON", "The transitions as JSON, for dropgrid export and other programs"]];
const set = { ...{ tracks: /** @type {string[]} */ ([]), locked: /** @type {string[]} */ ([]), energy: "free" }, ...readStored(SET_STORAGE_KEY) };

const setTracks = () => {
  const byId = new Map(tracks.map((track) => [track.id, track]));
  return set.tracks.map((id) => byId.get(id)).filter(Boolean);
};

export function addToSet(track) {
  if (!set.tracks.includes(track.id)) change({ tracks: [...set.tracks, track.id] });
}

/** Change the set, store it in this browser, and show it. */
function change(values) {
  Object.assign(set, values);
  set.locked = set.locked.filter((id) => set.tracks.includes(id));
  writeStored(SET_STORAGE_KEY, set);
  $("count-set").textContent = set.tracks.length ? String(set.tracks.length) : "";
  if (!$("page-set").hidden) showSet();
}

export function startSet() { change({}); }

export function showSet() {
  const shown = setTracks();
  const page = $("page-set");
  page.replaceChildren(make("h2", {}, "Set"));
  if (!shown.length) {
    page.append(make("p", { class: "lead" }, "The set is empty. Choose tracks in the library and press Add to set, or open a track and press Mix to see what follows it."));
    return;
  }
  const seconds = shown.reduce((sum, track) => sum + (track.duration ?? 0), 0);
  const status = make("p", { class: "note", role: "status" });
  page.append(
    make("p", { class: "lead" }, `${count(shown.length, "track")}, ${clock(seconds)}. Drag tracks, or move one with Alt and the arrow keys. Locked tracks keep their place.`),
    setTools(shown, status),
    status,
    courses(shown),
    make("ol", { class: "set-list" }, ...shown.map(setRow)),
  );
  if (!library.served) status.textContent = "To re-order the set, use dropgrid open, or dropgrid set in a terminal.";
}

/** The controls above the set; `status` shows what they do. */
function setTools(shown, status) {
  const tool = (name, action, attributes = {}) => make("button", { class: "tool", onclick: action, ...attributes }, name);
  const energy = make("select", { "aria-label": "Course of the energy", onchange: () => change({ energy: energy.value }) }, ...ENERGY_COURSES.map(([value, name]) => make("option", { value, selected: value === set.energy }, name)));
  const files = library.served ? FILES.map(([kind, name, title]) => tool(name, () => saveFile(kind, status), { title })) : [];
  return make("div", { class: "set-tools" },
    energy,
    tool("Re-order unlocked", () => arrange(status), { title: "Put the unlocked tracks in the order with the best transitions", disabled: !library.served }),
    tool("Save M3U8", () => download("set.m3u8", "audio/x-mpegurl", playlist(shown))),
    ...files,
    tool("Clear the set", () => change({ tracks: [], locked: [] })));
}

/** The course of key and energy over the set, as two lines. */
function courses(shown) {
  const { energy, keys } = courseLines(shown);
  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${(x * 1000).toFixed(1)} ${(8 + (1 - y) * 84).toFixed(1)}`).join("");
  const dots = keys.map(([x, y, key]) => shape("circle", { cx: (x * 1000).toFixed(1), cy: (8 + (1 - y) * 84).toFixed(1), r: 5, fill: keyColour(key) }));
  const picture = shape("svg", { viewBox: "-12 0 1024 100", class: "courses", role: "img", "aria-label": `Energy and key over ${count(shown.length, "track")}` },
    shape("path", { d: path(energy), class: "energy-line" }), shape("path", { d: path(keys), class: "key-line" }), ...dots);
  return make("figure", {}, picture, make("figcaption", { class: "note" }, "Thick line: energy. Thin line: position of the key on the Camelot wheel; a large step is an audible change of key."));
}

function setRow(track, index) {
  const locked = set.locked.includes(track.id);
  const row = make(
    "li",
    { draggable: "true", tabindex: 0, "data-track": track.id, class: locked ? "locked" : "" },
    make("span", { class: "number" }, String(index + 1)),
    make("button", { class: "link", onclick: () => showTrack(track) }, track.title),
    make("span", { class: "number" }, bpmText(track.bpm)),
    make("span", {}, camelotText(track)),
    make("span", { class: "number" }, track.energy === undefined ? "" : `energy ${Math.round(10 * track.energy)}`),
    lockButton(track, locked),
    make("button", { class: "quiet", "aria-label": `Remove ${track.title} from the set`, title: "Remove from the set", onclick: () => change({ tracks: set.tracks.filter((id) => id !== track.id) }) }, "✕"),
  );
  listenToRow(row, track, index);
  return row;
}

function lockButton(track, locked) {
  const toggle = () => change({ locked: locked ? set.locked.filter((id) => id !== track.id) : [...set.locked, track.id] });
  return make("button", { class: "quiet", "aria-pressed": locked, title: "A locked track keeps its place when the others are re-ordered", onclick: toggle }, locked ? "Locked" : "Lock");
}

/** Move a row by dragging, or with Alt and the arrow keys. */
function listenToRow(row, track, index) {
  row.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", track.id));
  row.addEventListener("dragover", (event) => event.preventDefault());
  row.addEventListener("drop", (event) => {
    event.preventDefault();
    move(event.dataTransfer.getData("text/plain"), index);
  });
  row.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.altKey) return;
    event.preventDefault();
    move(track.id, index + step);
    /** @type {HTMLElement | null} */ (document.querySelector(`.set-list [data-track="${track.id}"]`))?.focus();
  });
}

const move = (id, index) => change({ tracks: moved(setTracks().map((track) => track.id), id, index) });

/** Save the set with its transitions, which the server computes. */
async function saveFile(kind, status) {
  status.textContent = "Computing the transitions …";
  try {
    download(`set${kind}`, "application/octet-stream", await workbench.store.setFile(setTracks().map((track) => track.id), kind));
    status.textContent = "Saved.";
  } catch (reason) {
    status.textContent = reason.message;
  }
}

/** Have the server order the unlocked tracks. */
async function arrange(status) {
  const ids = setTracks().map((track) => track.id);
  const locked = Object.fromEntries(ids.flatMap((id, index) => (set.locked.includes(id) ? [[index, id]] : [])));
  status.textContent = "Ordering …";
  try {
    const { tracks: order } = await workbench.store.arranged(ids, locked, set.energy);
    change({ tracks: order });
  } catch (reason) {
    status.textContent = reason.message;
  }
}
