// The search and the filters: which tracks the table shows. docs/page.md describes them.

import { $, make } from "./dom.js";
import { popover } from "./popovers.js";
import { clearKey, inKey, keyWheel } from "./key_wheel.js";
import { lists } from "./saved_lists.js";
import { refresh } from "./table.js";
import { clock } from "./text.js";
import { inTempo } from "./track_query.js";
import { BARS, tracks } from "./tracks.js";

const FILTERS = [["all", "All"], ["check", "To check"], ["failed", "Failed"]];
// The sliders other than BPM: the key of the filter, and its value for a track.
/** @type {[string, (track: any) => any][]} */
const RANGES = [["time", (t) => t.duration], ["energy", (t) => 100 * t.energy], ...BARS.map(([key]) => /** @type {[string, (track: any) => any]} */ ([key, (t) => t[key]]))];
/** @type {Record<string, any>} */
const NO_FILTER = { status: "all", bpm: null, genre: "", octaves: false, ...Object.fromEntries(RANGES.map(([key]) => [key, null])) };
export const filter = { ...NO_FILTER };

/** Whether a track passes all filters, leaving the search field aside. */
export function passes(track) {
  if (lists.positions && !lists.positions.has(track.id)) return false;
  if (filter.status !== "all" && track.status !== filter.status) return false;
  if (filter.bpm && !inTempo(track, filter.bpm[0], filter.bpm[1], filter.octaves)) return false;
  for (const [key, valueOf] of RANGES) {
    if (filter[key] && !(valueOf(track) >= filter[key][0] && valueOf(track) <= filter[key][1])) return false;
  }
  if (filter.genre && track.genre !== filter.genre) return false;
  return inKey(track);
}

export function startFilters() {
  for (const [key, name] of FILTERS) {
    const choose = () => { filter.status = key; refresh(); };
    $("filters").append(make("button", { "aria-pressed": key === "all", "data-filter": key, onclick: choose }, name, make("span", { class: "count" })));
  }
  const box = popover("limits", "Filter");
  $("tools").insertBefore(box, $("shown"));
  $("limits-button").addEventListener("click", fillFilters);
  $("tools").append(make("div", { class: "chips", id: "chips", role: "group", "aria-label": "Active filters", hidden: true }));
}

/** Make the sliders for the values that the library has by now, unless a filter is active. */
function fillFilters() {
  if ($("limits").childElementCount && chips().length) return;
  const rows = [
    slider("bpm", "BPM", tracks.map((track) => track.bpm), (bpm) => String(bpm)),
    make("label", { class: "choice" }, make("input", { type: "checkbox", id: "octaves", checked: filter.octaves, onchange: (event) => { filter.octaves = event.target.checked; refresh(); } }), " include half and double tempo"),
    slider("time", "Length", tracks.map((track) => track.duration), (seconds) => clock(seconds), 5),
    slider("energy", "Energy", tracks.map((track) => track.energy && 100 * track.energy), (energy) => (energy / 100).toFixed(2), 5),
    ...BARS.map(([key, name]) => slider(key, name, [0, ...tracks.map((track) => track[key])], (bars) => String(bars))),
    genreChoice(),
    make("button", { class: "quiet", onclick: clearFilters }, "Clear filters"),
  ];
  $("limits").replaceChildren(...rows.filter(Boolean));
}

/**
 * A range slider with two thumbs and a field for each end; the whole range filters nothing. values:
 * of all tracks; textOf: the text of a value; step: of the thumbs. Returns null without values.
 */
function slider(key, name, values, textOf, step = 1) {
  const present = values.filter((value) => value !== undefined);
  if (!present.length) return null;
  const min = Math.floor(Math.min(...present) / step) * step;
  const max = Math.max(Math.ceil(Math.max(...present) / step) * step, min + step);
  const thumbs = [["from", min], ["to", max]].map(([end, value]) => make("input", { type: "range", id: `${key}-${end}`, "aria-label": `${name} ${end}`, min, max, step: "any", value }));
  const fields = ["from", "to"].map((end) => make("input", { type: "text", inputmode: "decimal", class: "number", id: `${key}-${end}-field`, "aria-label": `${name} ${end}, typed` }));
  const line = make("div", { class: "thumbs" }, ...thumbs);
  const parts = { key, min, max, step, textOf, thumbs, fields, line };
  for (const i of [0, 1]) listenToThumb(parts, i);
  showRange(parts);
  return make("div", { class: "slider", role: "group", "aria-label": name, "data-filter": key }, make("span", {}, name), make("span", { class: "ends" }, fields[0], "–", fields[1]), line);
}

const rangeOf = ({ thumbs }) => thumbs.map((thumb) => Number(thumb.value));

/** Show where a slider's thumbs are. */
function showRange({ min, max, textOf, thumbs, fields, line }) {
  const range = rangeOf({ thumbs });
  for (const [i, end] of ["--from", "--to"].entries()) {
    line.style.setProperty(end, `${(100 * (range[i] - min)) / (max - min)}%`);
    thumbs[i].setAttribute("aria-valuetext", textOf(range[i]));
    if (fields[i] !== document.activeElement) fields[i].value = textOf(range[i]);
  }
}

/** Filter by a slider's range. */
function applyRange(parts) {
  const [low, high] = rangeOf(parts);
  filter[parts.key] = low === parts.min && high === parts.max ? null : [low, high];
  showRange(parts);
  refresh();
}

/** Follow the thumb and the field of one end of a slider; i: 0 or 1. */
function listenToThumb(parts, i) {
  const { key, step, textOf } = parts;
  const [thumb, field] = [parts.thumbs[i], parts.fields[i]];
  thumb.addEventListener("input", () => {
    thumb.value = Math.round(Number(thumb.value) / step) * step;
    const [low, high] = rangeOf(parts);
    if (low > high) thumb.value = i ? low : high; // a thumb stops at the other one
    applyRange(parts);
  });
  thumb.addEventListener("keydown", (event) => {
    const change = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step }[event.key];
    if (!change) return;
    event.preventDefault();
    thumb.value = Number(thumb.value) + change;
    thumb.dispatchEvent(new Event("input"));
  });
  field.addEventListener("change", () => {
    const typed = numberOf(field.value) * (key === "energy" ? 100 : 1);
    const [low, high] = rangeOf(parts);
    if (Number.isFinite(typed)) thumb.value = i ? Math.max(typed, low) : Math.min(typed, high);
    field.value = textOf(rangeOf(parts)[i]);
    applyRange(parts);
  });
}

/** `128`, `127,5` or `6:30` as a number; NaN for anything else. */
export function numberOf(text) {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 2 || parts.some((part) => !/^\d+(\.\d+)?$/.test(part))) return NaN;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0);
}

/** The active filters, each as [text, function that removes it]. */
function chips() {
  const names = { bpm: "BPM", time: "Length", energy: "Energy", ...Object.fromEntries(BARS) };
  const formats = { time: clock, energy: (value) => (value / 100).toFixed(2) };
  const remover = (key) => () => { filter[key] = NO_FILTER[key]; refill(); };
  const active = Object.keys(names).filter((key) => filter[key]).map((key) => [`${names[key]} ${filter[key].map(formats[key] ?? String).join(" – ")}`, remover(key)]);
  if (filter.genre) active.push([filter.genre, remover("genre")]);
  if (keyWheel.key) active.push([$("wheel-button").textContent, () => { clearKey(); refresh(); }]);
  return active;
}

/** Set the sliders to the current filter. */
function refill() {
  const current = { ...filter };
  Object.assign(filter, NO_FILTER);
  $("limits").replaceChildren();
  fillFilters();
  Object.assign(filter, current);
  for (const [key, range] of Object.entries(current)) {
    if (!Array.isArray(range)) continue;
    for (const [i, end] of ["from", "to"].entries()) {
      $(`${key}-${end}`).value = range[i];
      $(`${key}-${end}-field`).value = range[i];
    }
  }
  refresh();
}

function genreChoice() {
  const genres = [...new Set(tracks.map((track) => track.genre).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  if (!genres.length) return null;
  const change = (event) => { filter.genre = event.target.value; refresh(); };
  return make("label", { class: "choice" }, "Genre ", make("select", { id: "genre", onchange: change }, make("option", { value: "" }, "all"), ...genres.map((genre) => make("option", { selected: genre === filter.genre }, genre))));
}

/** Show all tracks: remove the search and all filters. */
export function clearFilters() {
  Object.assign(filter, NO_FILTER);
  $("search").value = "";
  $("limits").replaceChildren();
  fillFilters();
  clearKey();
  refresh();
}

/** Show which filters are active, and how many tracks each status has. */
export function markFilters() {
  const set = [filter.bpm, filter.genre, ...RANGES.map(([key]) => filter[key])].filter(Boolean).length;
  $("limits-button").setAttribute("aria-pressed", set > 0);
  $("limits-button").textContent = set ? `Filter (${set})` : "Filter";
  const shown = chips();
  $("chips").hidden = !shown.length;
  $("chips").replaceChildren(...shown.map(([text, remove]) => make("button", { class: "chip", title: "Remove this filter", onclick: remove }, text)));
  for (const button of $("filters").children) {
    const key = button.dataset.filter;
    const number = key === "all" ? tracks.length : tracks.filter((track) => track.status === key).length;
    button.setAttribute("aria-pressed", key === filter.status);
    button.querySelector(".count").textContent = number.toLocaleString("en");
  }
}
