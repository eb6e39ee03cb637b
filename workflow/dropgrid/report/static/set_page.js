// The set: tracks in the order to play, moved by hand or re-ordered around those that are locked.

import { showTrack } from "./application.js";
import { $, make, remember, remembered } from "./dom.js";
import { bench } from "./editor.js";
import { keyColour, shape } from "./key_wheel.js";
import { playlist } from "./list_formats.js";
import { download } from "./downloads.js";
import { courseLines, moved } from "./set_order.js";
import { bpmText, clock, count } from "./text.js";
import { camelotText, library, tracks } from "./tracks.js";

const SET_KEPT = library.served ? `set ${library.results}` : `set ${location.pathname}`;
const COURSES = [["free", "as it mixes best"], ["rising", "rising energy"], ["wave", "energy in waves"], ["peak", "peak at 60 %"]];
const FILES = [[".cue", "Cue sheet", "For a recording of this set: where each track begins"], [".csv", "Table", "A table of the transitions: where to leave and to enter"], [".json", "JSON", "The transitions, for dropgrid export and other programs"]];
const set = { ...{ tracks: /** @type {string[]} */ ([]), locked: /** @type {string[]} */ ([]), energy: "free" }, ...remembered(SET_KEPT) };

const known = () => {
  const byId = new Map(tracks.map((track) => [track.id, track]));
  return set.tracks.map((id) => byId.get(id)).filter(Boolean);
};

export function addToSet(track) {
  if (!set.tracks.includes(track.id)) change({ tracks: [...set.tracks, track.id] });
}

/** Change the set, keep it in this browser, and show it. */
function change(made) {
  Object.assign(set, made);
  set.locked = set.locked.filter((id) => set.tracks.includes(id));
  remember(SET_KEPT, set);
  $("count-set").textContent = set.tracks.length ? String(set.tracks.length) : "";
  if (!$("page-set").hidden) showSet();
}

export function startSet() { change({}); }

export function showSet() {
  const shown = known();
  const page = $("page-set");
  page.replaceChildren(make("h2", {}, "Set"));
  if (!shown.length) {
    page.append(make("p", { class: "lead" }, "The set is empty. Choose tracks in the library and press Add to set, or open a track and press Mix to see what follows it."));
    return;
  }
  const seconds = shown.reduce((sum, track) => sum + (track.duration ?? 0), 0);
  const energy = make("select", { "aria-label": "Course of the energy", onchange: () => change({ energy: energy.value }) }, ...COURSES.map(([value, name]) => make("option", { value, selected: value === set.energy }, name)));
  const said = make("p", { class: "note", role: "status" });
  const reorder = make("button", { class: "tool", title: "Put the tracks that are not locked in the order that mixes best", disabled: !library.served, onclick: () => arrange(said) }, "Re-order the rest");
  page.append(
    make("p", { class: "lead" }, `${count(shown.length, "track")}, ${clock(seconds)}. Drag rows, or move one with Alt and the arrow keys; locked rows keep their place.`),
    make("div", { class: "set-tools" }, energy, reorder, make("button", { class: "tool", onclick: () => download("set.m3u8", "audio/x-mpegurl", playlist(shown)) }, "Save M3U8"), ...(library.served ? FILES.map(([kind, name, title]) => make("button", { class: "tool", title, onclick: () => saveFile(kind, said) }, name)) : []), make("button", { class: "tool", onclick: () => change({ tracks: [], locked: [] }) }, "Empty the set")),
    said,
    courses(shown),
    make("ol", { class: "set-list" }, ...shown.map(setRow)),
  );
  if (!library.served) said.textContent = "Re-ordering is worked out by dropgrid open, or in a terminal by dropgrid set.";
}

/** Key and energy from track to track, as two lines. */
function courses(shown) {
  const { energy, keys } = courseLines(shown);
  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${(x * 1000).toFixed(1)} ${(8 + (1 - y) * 84).toFixed(1)}`).join("");
  const dots = keys.map(([x, y, key]) => shape("circle", { cx: (x * 1000).toFixed(1), cy: (8 + (1 - y) * 84).toFixed(1), r: 5, fill: keyColour(key) }));
  const picture = shape("svg", { viewBox: "-12 0 1024 100", class: "courses", role: "img", "aria-label": `Energy and key over ${count(shown.length, "track")}` },
    shape("path", { d: path(energy), class: "energy-line" }), shape("path", { d: path(keys), class: "key-line" }), ...dots);
  return make("figure", {}, picture, make("figcaption", { class: "note" }, "Thick: energy. Thin: key, by its place on Camelot's wheel; a jump is a change that is heard."));
}

function setRow(track, place) {
  const locked = set.locked.includes(track.id);
  const lock = make("button", { class: "quiet", "aria-pressed": locked, title: "Locked: keeps its place when the rest is re-ordered", onclick: () => change({ locked: locked ? set.locked.filter((id) => id !== track.id) : [...set.locked, track.id] }) }, locked ? "Locked" : "Lock");
  const row = make(
    "li",
    { draggable: "true", tabindex: 0, "data-track": track.id, class: locked ? "locked" : "" },
    make("span", { class: "number" }, String(place + 1)),
    make("button", { class: "link", onclick: () => showTrack(track) }, track.title),
    make("span", { class: "number" }, bpmText(track.bpm)),
    make("span", {}, camelotText(track)),
    make("span", { class: "number" }, track.energy === undefined ? "" : `energy ${Math.round(10 * track.energy)}`),
    lock,
    make("button", { class: "quiet", "aria-label": `Take ${track.title} out of the set`, title: "Take it out", onclick: () => change({ tracks: set.tracks.filter((id) => id !== track.id) }) }, "✕"),
  );
  row.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", track.id));
  row.addEventListener("dragover", (event) => event.preventDefault());
  row.addEventListener("drop", (event) => {
    event.preventDefault();
    move(event.dataTransfer.getData("text/plain"), place);
  });
  row.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.altKey) return;
    event.preventDefault();
    move(track.id, place + step);
    /** @type {HTMLElement | null} */ (document.querySelector(`.set-list [data-track="${track.id}"]`))?.focus();
  });
  return row;
}

const move = (id, place) => change({ tracks: moved(known().map((track) => track.id), id, place) });

/** Save the set with its transitions, as the server works them out. */
async function saveFile(kind, message) {
  message.textContent = "Working out the transitions …";
  try {
    download(`set${kind}`, "application/octet-stream", await bench.store.setFile(known().map((track) => track.id), kind));
    message.textContent = "Saved.";
  } catch (reason) {
    message.textContent = reason.message;
  }
}

async function arrange(said) {
  const ids = known().map((track) => track.id);
  const locked = Object.fromEntries(ids.flatMap((id, place) => (set.locked.includes(id) ? [[place, id]] : [])));
  said.textContent = "Ordering …";
  try {
    const { tracks: order } = await bench.store.arranged(ids, locked, set.energy);
    change({ tracks: order });
  } catch (reason) {
    said.textContent = reason.message;
  }
}
