// The search and the filters: which tracks the list shows. docs/page.md says it in words.

import { $, make } from "./dom.js";
import { popover } from "./popovers.js";
import { clearKey, inKey, keyWheel } from "./key_wheel.js";
import { lists } from "./saved_lists.js";
import { refresh } from "./table.js";
import { clock } from "./text.js";
import { inTempo } from "./track_query.js";
import { BARS, tracks } from "./tracks.js";

const FILTERS = [["all", "All"], ["check", "To check"], ["failed", "Failed"]];
// What has sliders beside BPM: key of the filter, what it is of a track.
/** @type {[string, (track: any) => any][]} */
const RANGES = [["time", (t) => t.duration], ["energy", (t) => 100 * t.energy], ...BARS.map(([key]) => /** @type {[string, (track: any) => any]} */ ([key, (t) => t[key]]))];
/** @type {Record<string, any>} */
const NO_FILTER = { status: "all", bpm: null, genre: "", octaves: false, ...Object.fromEntries(RANGES.map(([key]) => [key, null])) };
export const filter = { ...NO_FILTER };

/** Whether a track passes all that is set outside the search field. */
export function passes(track) {
  if (lists.places && !lists.places.has(track.id)) return false;
  if (filter.status !== "all" && track.status !== filter.status) return false;
  if (filter.bpm && !inTempo(track, filter.bpm[0], filter.bpm[1], filter.octaves)) return false;
  for (const [key, of] of RANGES) {
    if (filter[key] && !(of(track) >= filter[key][0] && of(track) <= filter[key][1])) return false;
  }
  if (filter.genre && track.genre !== filter.genre) return false;
  return inKey(track);
}

export function startFilters() {
  for (const [key, name] of FILTERS) {
    const press = () => { filter.status = key; refresh(); };
    $("filters").append(make("button", { "aria-pressed": key === "all", "data-filter": key, onclick: press }, name, make("span", { class: "count" })));
  }
  const box = popover("limits", "Filter");
  $("tools").insertBefore(box, $("shown"));
  $("limits-button").addEventListener("click", fillFilters);
  $("tools").append(make("div", { class: "chips", id: "chips", role: "group", "aria-label": "Filters that are set", hidden: true }));
}

/** Make the sliders of what the library holds by now; not while one of them is set. */
function fillFilters() {
  if ($("limits").childElementCount && chips().length) return;
  const rows = [
    slider("bpm", "BPM", tracks.map((track) => track.bpm), (bpm) => String(bpm)),
    make("label", { class: "choice" }, make("input", { type: "checkbox", id: "octaves", checked: filter.octaves, onchange: (event) => { filter.octaves = event.target.checked; refresh(); } }), " half and double tempo too"),
    slider("time", "Length", tracks.map((track) => track.duration), (seconds) => clock(seconds), 5),
    slider("energy", "Energy", tracks.map((track) => track.energy && 100 * track.energy), (energy) => (energy / 100).toFixed(2), 5),
    ...BARS.map(([key, name]) => slider(key, name, [0, ...tracks.map((track) => track[key])], (bars) => String(bars))),
    genreChoice(),
    make("button", { class: "quiet", onclick: clearFilters }, "Clear"),
  ];
  $("limits").replaceChildren(...rows.filter(Boolean));
}

/** One line with two thumbs, and a field for each of its ends; the whole range filters nothing. */
function slider(key, name, values, words, step = 1) {
  const known = values.filter((value) => value !== undefined);
  if (!known.length) return null;
  const min = Math.floor(Math.min(...known) / step) * step;
  const max = Math.max(Math.ceil(Math.max(...known) / step) * step, min + step);
  const thumbs = [["from", min], ["to", max]].map(([end, value]) => make("input", { type: "range", id: `${key}-${end}`, "aria-label": `${name} ${end}`, min, max, step: "any", value }));
  const fields = ["from", "to"].map((end) => make("input", { type: "text", inputmode: "decimal", class: "number", id: `${key}-${end}-field`, "aria-label": `${name} ${end}, typed` }));
  const range = () => thumbs.map((thumb) => Number(thumb.value));
  const line = make("div", { class: "thumbs" }, ...thumbs);
  const show = () => {
    const [low, high] = range();
    line.style.setProperty("--from", `${(100 * (low - min)) / (max - min)}%`);
    line.style.setProperty("--to", `${(100 * (high - min)) / (max - min)}%`);
    for (const i of [0, 1]) {
      thumbs[i].setAttribute("aria-valuetext", words(range()[i]));
      if (fields[i] !== document.activeElement) fields[i].value = words(range()[i]);
    }
  };
  const take = () => {
    const [low, high] = range();
    filter[key] = low === min && high === max ? null : [low, high];
    show();
    refresh();
  };
  for (const [i, thumb] of thumbs.entries()) {
    thumb.addEventListener("input", () => {
      thumb.value = Math.round(Number(thumb.value) / step) * step;
      const [low, high] = range();
      if (low > high) thumb.value = i ? low : high; // they push, not pass
      take();
    });
    thumb.addEventListener("keydown", (event) => {
      const by = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step }[event.key];
      if (!by) return;
      event.preventDefault();
      thumb.value = Number(thumb.value) + by;
      thumb.dispatchEvent(new Event("input"));
    });
    fields[i].addEventListener("change", () => {
      const typed = numberOf(fields[i].value) * (key === "energy" ? 100 : 1);
      const [low, high] = range();
      if (Number.isFinite(typed)) thumb.value = i ? Math.max(typed, low) : Math.min(typed, high);
      fields[i].value = words(range()[i]);
      take();
    });
  }
  show();
  return make("div", { class: "slider", role: "group", "aria-label": name, "data-filter": key }, make("span", {}, name), make("span", { class: "ends" }, fields[0], "–", fields[1]), line);
}

/** `128`, `127,5` or `6:30` as a number; NaN for anything else. */
export function numberOf(text) {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 2 || parts.some((part) => !/^\d+(\.\d+)?$/.test(part))) return NaN;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0);
}

/** The filters that are set, each as [what it says, how it is taken away]. */
function chips() {
  const names = { bpm: "BPM", time: "Length", energy: "Energy", ...Object.fromEntries(BARS) };
  const said = { time: clock, energy: (value) => (value / 100).toFixed(2) };
  const drop = (key) => () => { filter[key] = NO_FILTER[key]; refill(); };
  const found = Object.keys(names).filter((key) => filter[key]).map((key) => [`${names[key]} ${filter[key].map(said[key] ?? String).join(" – ")}`, drop(key)]);
  if (filter.genre) found.push([filter.genre, drop("genre")]);
  if (keyWheel.key) found.push([$("wheel-button").textContent, () => { clearKey(); refresh(); }]);
  return found;
}

/** Show the sliders as the filter now is. */
function refill() {
  const kept = { ...filter };
  Object.assign(filter, NO_FILTER);
  $("limits").replaceChildren();
  fillFilters();
  Object.assign(filter, kept);
  for (const [key, range] of Object.entries(kept)) {
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

/** Show everything again: no search, no filter, no key. */
export function clearFilters() {
  Object.assign(filter, NO_FILTER);
  $("search").value = "";
  $("limits").replaceChildren();
  fillFilters();
  clearKey();
  refresh();
}

/** Say on the button whether the popover's filters hold anything back. */
export function markFilters() {
  const set = [filter.bpm, filter.genre, ...RANGES.map(([key]) => filter[key])].filter(Boolean).length;
  $("limits-button").setAttribute("aria-pressed", set > 0);
  $("limits-button").textContent = set ? `Filter (${set})` : "Filter";
  const shown = chips();
  $("chips").hidden = !shown.length;
  $("chips").replaceChildren(...shown.map(([text, drop]) => make("button", { class: "chip", title: "Take this filter away", onclick: drop }, text)));
  for (const button of $("filters").children) {
    const key = button.dataset.filter;
    const number = key === "all" ? tracks.length : tracks.filter((track) => track.status === key).length;
    button.setAttribute("aria-pressed", key === filter.status);
    button.querySelector(".count").textContent = number.toLocaleString("en");
  }
}
