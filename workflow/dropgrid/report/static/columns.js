// The columns of the library table: their content, width and order of priority.

import { $, make, writeStored, readStored } from "./dom.js";
import { coverOf } from "./covers.js";
import { miniatureCanvas } from "./drawing.js";
import { keyColour } from "./key_wheel.js";
import { LABELS } from "./labels.js";
import { popover } from "./popovers.js";
import { runs } from "./section_runs.js";
import { draw, markSort, sortBy } from "./table.js";
import { barsText, bpmText, clock, count, folded } from "./text.js";
import { BARS, camelotText, correctedParts, library, likelyAlternatives, tracks } from "./tracks.js";

const GAP = 16; // px between columns
const NARROW = 440; // px: width of a table, as on a phone, below which columns are closer together
const NARROW_GAP = 10;
const cell = (name, ...content) => make("div", { role: "gridcell", class: name }, ...content);

/**
 * value: to sort by; cell: the element to show; min: smallest useful width (px), minNarrow: in a
 * narrow table; grow: share of the free space; rank: columns with the highest rank are hidden
 * first; off: hidden until the user chooses it; served: only `dropgrid open` has it.
 */
const COLUMNS = [
  { key: "title", name: "Track", value: (t) => folded(t.title), cell: nameCell, min: 150, minNarrow: 104, grow: 2.2, rank: 0 },
  { key: "artist", name: "Artist", value: (t) => t.artist && folded(t.artist), cell: (t) => cell("words", t.artist), min: 110, grow: 1, rank: 9, off: true },
  { key: "cover", name: "Cover", value: (t) => (t.cover ? 0 : undefined), cell: (t) => cell("", coverOf(t)), min: 40, grow: 0, rank: 16, off: true, served: true },
  { key: "rating", name: "Rating", value: (t) => t.rating, cell: ratingCell, min: 70, grow: 0, rank: 14, off: true, served: true },
  { key: "comment", name: "Comment", value: (t) => t.comment && folded(t.comment), cell: (t) => cell("words", t.comment), min: 110, grow: 1, rank: 16, off: true, served: true },
  { key: "added", name: "Date added", value: (t) => t.added, cell: (t) => cell("words number", t.added), min: 84, grow: 0, rank: 13, off: true },
  { key: "genre", name: "Genre", value: (t) => t.genre && folded(t.genre), cell: (t) => cell("words", t.genre), min: 90, grow: 0.6, rank: 10, off: true },
  { key: "album", name: "Album", value: (t) => t.album && folded(t.album), cell: (t) => cell("words", t.album), min: 110, grow: 1, rank: 11, off: true },
  { key: "year", name: "Year", value: (t) => t.year, cell: (t) => cell("words", t.year), min: 48, grow: 0, rank: 15, off: true },
  { key: "dropmap", name: "Drop map", value: (t) => t.sections?.length, cell: dropMapCell, min: 90, minNarrow: 64, grow: 1.8, rank: 3 },
  { key: "bpm", name: "BPM", value: (t) => t.bpm, cell: (t) => cell("bpm right", bpmText(t.bpm)), min: 66, grow: 0, rank: 1, right: true },
  { key: "confidence", name: "Confidence", value: (t) => t.confidence, cell: confidenceCell, min: 96, grow: 0, rank: 5 },
  { key: "key", name: "Key", value: (t) => t.camelot?.padStart(3, "0"), cell: keyCell, min: 58, grow: 1.5, rank: 2 },
  { key: "alternatives", name: "Alternatives", value: (t) => likelyAlternatives(t)[0]?.[0], cell: (t) => cell("alternatives", likelyAlternatives(t).slice(0, 2).map((a) => bpmText(a[0])).join("  ")), min: 104, grow: 0, rank: 8 },
  { key: "loudness", name: "Loudness", value: (t) => t.lufs, cell: (t) => cell("loudness right", t.lufs === undefined ? "" : `${t.lufs.toFixed(1)} LUFS`), min: 88, grow: 0, rank: 12, right: true, off: true },
  { key: "time", name: "Length", value: (t) => t.duration, cell: (t) => cell("time right", clock(t.duration)), min: 54, grow: 0, rank: 4, right: true },
  { key: "drops", name: "Drops", value: (t) => t.drops?.length, cell: (t) => cell("drops right", t.drops ? String(t.drops.length) : ""), min: 52, grow: 0, rank: 7, right: true },
  { key: "energy", name: "Energy", value: (t) => t.energy, cell: (t) => cell("energy right", t.energy === undefined ? "" : t.energy.toFixed(2)), min: 62, grow: 0, rank: 13, right: true, off: true },
  ...BARS.map(([key, name]) => ({ key, name, value: (t) => t[key], cell: (t) => cell(`${key} right`, barsText(t[key])), min: 76, grow: 0, rank: 14, right: true, off: true })),
  { key: "status", name: "Status", value: (t) => ["failed", "check", "ok"].indexOf(t.status), cell: statusCell, min: 92, grow: 0, rank: 6 },
];

export const columns = { chosen: new Set(), shown: [], narrow: false };

function nameCell(track) {
  const subtitle = columns.shown.some((c) => c.key === "artist") ? track.path : [track.artist, track.path].filter(Boolean).join(" · ");
  const corrected = correctedParts(track);
  const mark = corrected.length ? make("i", { class: "corrected", role: "img", "aria-label": `Corrected by you: ${corrected.join(", ")}`, title: `Corrected by you: ${corrected.join(", ")}` }, "✎") : null;
  return cell("name", make("b", {}, track.title, mark), make("span", {}, subtitle));
}

function dropMapCell(track) {
  const description = runs(track).map((run) => `${LABELS[run.label]} ${clock(run.start)}`).join(", ");
  const canvas = miniatureCanvas();
  canvas.setAttribute("aria-label", description || "no sections");
  return cell("dropmap", canvas);
}

function confidenceCell(track) {
  if (track.confidence === undefined) return cell("confidence");
  const element = cell("confidence", make("i", { "aria-hidden": "true" }), track.confidence.toFixed(2));
  element.style.setProperty("--share", `${track.confidence * 100}%`);
  return element;
}

function keyCell(track) {
  if (!track.camelot) return cell("key");
  const dot = make("i", { "aria-hidden": "true" });
  dot.style.color = keyColour(track.camelot);
  return make("div", { role: "gridcell", class: track.keyUnsure ? "key unsure" : "key", title: track.keyUnsure ? `${track.key}: unsure` : track.key }, dot, make("b", {}, camelotText(track)), make("span", {}, track.key));
}

function ratingCell(track) {
  const stars = track.rating ?? 0;
  return make("div", { role: "gridcell", class: "rating", "aria-label": stars ? count(stars, "star") : null }, "★".repeat(stars));
}

function statusCell(track) {
  return make("div", { role: "gridcell", class: `state ${track.status}`, title: track.why || null }, track.state?.confirmed ? "Confirmed" : track.duration === undefined && !track.failure ? "Waiting" : { ok: "OK", check: "Check", failed: "Failed" }[track.status]);
}

/** The cells of a row; of a failed track only name, reason and status. */
export function cells(track) {
  if (!track.failure) return columns.shown.map((column) => column.cell(track));
  const last = columns.shown.at(-1).key === "status" && columns.shown.length > 2;
  const reason = cell("reason", track.failure[2]);
  reason.style.gridColumn = `2 / ${last ? -2 : -1}`;
  return [nameCell(track), ...(columns.shown.length > 1 ? [reason] : []), ...(last ? [statusCell(track)] : [])];
}

/** Show the columns that the user chose before, else the usual ones; genres only if there are any. */
export function startColumns() {
  const usual = COLUMNS.filter((c) => (c.key === "genre" ? tracks.some((t) => t.genre) : c.key === "alternatives" ? tracks.some((t) => likelyAlternatives(t).length) : !c.off));
  columns.chosen = new Set(readStored("columns") ?? usual.map((c) => c.key)).add("title");
  const boxes = COLUMNS.slice(1).filter((c) => !c.served || library.served).map((column) => {
    const change = (event) => {
      if (event.target.checked) columns.chosen.add(column.key);
      else columns.chosen.delete(column.key);
      writeStored("columns", [...columns.chosen]);
      fitColumns(true);
    };
    return make("label", { class: "choice" }, make("input", { type: "checkbox", "data-column": column.key, checked: columns.chosen.has(column.key), onchange: change }), ` ${column.name}`);
  });
  $("tools").insertBefore(popover("columns", "Columns", ...boxes, make("p", { class: "note", id: "hidden-columns" })), $("shown"));
}

/** Lay out the chosen columns that fit, and make their heads. */
export function fitColumns(again) {
  const fitting = COLUMNS.filter((c) => columns.chosen.has(c.key) && (!c.served || library.served));
  const width = $("table").clientWidth - 2 * parseFloat(getComputedStyle($("table")).getPropertyValue("--gutter"));
  const isNarrow = width < NARROW;
  const gap = isNarrow ? NARROW_GAP : GAP;
  const minWidth = (column) => (isNarrow && column.minNarrow) || column.min;
  const needed = () => fitting.reduce((sum, c) => sum + minWidth(c), 0) + gap * (fitting.length - 1);
  const hidden = [];
  while (width > 0 && fitting.length > 2 && needed() > width) {
    const last = fitting.reduce((a, b) => (b.rank > a.rank ? b : a));
    hidden.unshift(...fitting.splice(fitting.indexOf(last), 1));
  }
  if (!again && isNarrow === columns.narrow && fitting.length === columns.shown.length && fitting.every((c, i) => c === columns.shown[i])) return;
  columns.narrow = isNarrow;
  columns.shown = fitting;
  $("table").style.setProperty("--columns", fitting.map((c) => (c.grow ? `minmax(${minWidth(c)}px, ${c.grow}fr)` : `${minWidth(c)}px`)).join(" "));
  $("table").style.setProperty("--gap", `${gap}px`);
  $("hidden-columns").textContent = hidden.length ? `Hidden, because the table is too narrow: ${hidden.map((c) => c.name).join(", ")}.` : "";
  $("head").replaceChildren(...fitting.map((column) => {
    const button = make("button", { onclick: () => sortBy(column) }, column.name, make("span", { class: "arrow", "aria-hidden": "true" }));
    return make("div", { role: "columnheader", class: `${column.key}${column.right ? " right" : ""}`, "aria-sort": "none" }, button);
  }));
  markSort();
  draw(true);
}
