// The search and the filters: which tracks the list shows. docs/page.md says it in words.

import { $, all, make } from "./dom.js";
import { popover } from "./popovers.js";
import { clearKey, inKey } from "./key_wheel.js";
import { refresh } from "./table.js";
import { clock, count } from "./text.js";
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
  const rows = [
    slider("bpm", "BPM", tracks.map((track) => track.bpm), (bpm) => String(bpm)),
    make("label", { class: "choice" }, make("input", { type: "checkbox", id: "octaves", onchange: (event) => { filter.octaves = event.target.checked; refresh(); } }), " half and double tempo too"),
    slider("time", "Length", tracks.map((track) => track.duration), (seconds) => clock(seconds), 5),
    slider("energy", "Energy", tracks.map((track) => track.energy && 100 * track.energy), (energy) => (energy / 100).toFixed(2), 5),
    ...BARS.map(([key, name]) => slider(key, name, [0, ...tracks.map((track) => track[key])], (bars) => count(bars, "bar"))),
    genreChoice(),
    make("button", { class: "quiet", onclick: clearFilters }, "Clear"),
  ];
  $("tools").insertBefore(popover("limits", "Filter", ...rows), $("shown"));
}

/** Two sliders for the ends of a range; the whole range filters nothing. */
function slider(key, name, values, words, step = 1) {
  const known = values.filter((value) => value !== undefined);
  if (!known.length) return null;
  const min = Math.floor(Math.min(...known) / step) * step;
  const max = Math.max(Math.ceil(Math.max(...known) / step) * step, min + step);
  const said = make("output", { class: "number" });
  const ends = [["from", min], ["to", max]].map(([end, value]) => make("input", { type: "range", id: `${key}-${end}`, "aria-label": `${name} ${end}`, min, max, step, value, "data-whole": value }));
  const change = (event) => {
    const [low, high] = ends.map((end) => Number(end.value));
    if (low > high) event.target.value = event.target === ends[0] ? high : low; // they push, not pass
    const range = ends.map((end) => Number(end.value));
    filter[key] = range[0] === min && range[1] === max ? null : range;
    said.textContent = range.map(words).join(" – ");
    for (const end of ends) end.setAttribute("aria-valuetext", words(Number(end.value)));
    if (event.type === "input") refresh();
  };
  for (const end of ends) end.addEventListener("input", change);
  const group = make("div", { class: "slider", role: "group", "aria-label": name }, make("span", {}, name), said, ...ends);
  group.addEventListener("reset", change);
  change({ target: ends[0], type: "reset" });
  return group;
}

function genreChoice() {
  const genres = [...new Set(tracks.map((track) => track.genre).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  if (!genres.length) return null;
  const change = (event) => { filter.genre = event.target.value; refresh(); };
  return make("label", { class: "choice" }, "Genre ", make("select", { id: "genre", onchange: change }, make("option", { value: "" }, "all"), ...genres.map((genre) => make("option", {}, genre))));
}

/** Show everything again: no search, no filter, no key. */
export function clearFilters() {
  Object.assign(filter, NO_FILTER);
  $("search").value = "";
  for (const end of all("input[type=range]", $("limits"))) end.value = end.dataset.whole;
  for (const group of all(".slider", $("limits"))) group.dispatchEvent(new Event("reset"));
  $("octaves").checked = false;
  if ($("genre")) $("genre").value = "";
  clearKey();
  refresh();
}

/** Say on the button whether the popover's filters hold anything back. */
export function markFilters() {
  const set = [filter.bpm, filter.genre, ...RANGES.map(([key]) => filter[key])].filter(Boolean).length;
  $("limits-button").setAttribute("aria-pressed", set > 0);
  $("limits-button").textContent = set ? `Filter (${set})` : "Filter";
  for (const button of $("filters").children) {
    const key = button.dataset.filter;
    const number = key === "all" ? tracks.length : tracks.filter((track) => track.status === key).length;
    button.setAttribute("aria-pressed", key === filter.status);
    button.querySelector(".count").textContent = number.toLocaleString("en");
  }
}
