// The library table: only the rows in sight exist. One tab stop; arrow keys move the choice.

import { cells, columns, fitColumns, startColumns } from "./columns.js";
import { $, all, make } from "./dom.js";
import { drawMiniature } from "./drawing.js";
import { startWheel } from "./key_wheel.js";
import { startPlaying } from "./player.js";
import { addToSet } from "./set_page.js";
import { startLists } from "./saved_list.js";
import { filter, markFilters, passes, startFilters } from "./search.js";
import { count } from "./text.js";
import { query } from "./track_query.js";
import { tracks } from "./tracks.js";

const ROW = 52; // px, as in library.css
export const table = { shown: tracks, chosen: 0, selected: /** @type {Set<any>} */ (new Set()), sort: null, descending: false, open: /** @type {(track: any) => void} */ (() => {}) };

export function startTable(open) {
  table.open = open;
  startFilters();
  startWheel();
  startColumns();
  startLists();
  const add = () => { for (const track of selection()) addToSet(track); };
  $("tools").insertBefore(make("button", { class: "quiet", id: "add-to-set", title: "Put the selected tracks at the end of the set. Ctrl and Shift with a click select several", onclick: add }, "Add to set"), $("shown"));
  $("search").addEventListener("input", refresh);
  $("table").addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(() => { fitColumns(); if (!$("deck").hidden) bringIntoSight(); draw(true); }).observe($("table"));
  fitColumns(true);
  refresh();
}

/** Sort by a column, ascending first; a third press brings back the library's order. */
export function sortBy(column) {
  if (table.sort !== column) [table.sort, table.descending] = [column, false];
  else if (!table.descending) table.descending = true;
  else [table.sort, table.descending] = [null, false];
  markSort();
  refresh();
}

export function markSort() {
  for (const [i, head] of [...$("head").children].entries()) {
    const mine = columns.shown[i] === table.sort;
    head.setAttribute("aria-sort", mine ? (table.descending ? "descending" : "ascending") : "none");
    head.querySelector(".arrow").textContent = mine ? (table.descending ? "▼" : "▲") : "";
  }
}

/** Search, filter and sort again; the chosen track stays chosen if it is still shown. */
export function refresh() {
  const kept = table.shown[table.chosen];
  const matches = query($("search").value, filter.octaves);
  const shown = tracks.filter((t) => passes(t) && matches(t));
  if (table.sort) {
    const { value } = table.sort;
    const sign = table.descending ? -1 : 1;
    shown.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined) || a.index - b.index;
      return x < y ? -sign : x > y ? sign : a.index - b.index;
    });
  }
  table.shown = shown;
  table.chosen = Math.max(shown.indexOf(kept), 0);
  markFilters();
  $("table").setAttribute("aria-rowcount", shown.length + 1);
  $("shown").textContent = shown.length === tracks.length ? count(shown.length, "track") : `${shown.length.toLocaleString("en")} of ${count(tracks.length, "track")}`;
  $("rows").style.height = `${shown.length * ROW}px`;
  if (!shown.includes(kept)) $("table").scrollTop = 0;
  draw(true);
}

/** How many pixels of rows are in sight. */
const inSight = () => $("table").clientHeight - $("head").offsetHeight;

let drawn = "";

/** Make the rows in sight, if others are in sight than before. */
export function draw(again) {
  const { scrollTop } = $("table");
  const first = Math.max(Math.floor(scrollTop / ROW) - 4, 0);
  const last = Math.min(Math.ceil((scrollTop + inSight()) / ROW) + 4, table.shown.length);
  const key = `${first} ${last}`;
  if (key === drawn && again !== true) return;
  drawn = key;
  const rows = [];
  for (let i = first; i < last; i++) rows.push(rowOf(table.shown[i], i));
  $("rows").replaceChildren(...rows);
  if (!table.shown.length) $("rows").append(make("p", { class: "empty" }, tracks.length ? "No track matches." : "The library is empty. Analyse a folder of music: dropgrid run ~/Music"));
  for (const canvas of all("canvas", $("rows"))) drawMiniature(canvas, tracks[canvas.closest(".row").dataset.index]);
  markChosen();
}

/** A click opens a track, a double click plays it. */
function rowOf(track, position) {
  const row = make(
    "div",
    { class: "row", role: "row", id: `row-${track.index}`, "data-index": track.index, "aria-rowindex": position + 2, onclick: (event) => press(event, position), ondblclick: startPlaying },
    ...cells(track),
  );
  row.style.transform = `translateY(${position * ROW}px)`;
  return row;
}

/** A press opens; with Ctrl it selects one more, with Shift all from the chosen row to this one. */
function press(event, position) {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
    table.selected.clear();
    return choose(position, true);
  }
  const chosen = table.shown[table.chosen];
  if (!table.selected.size && chosen) table.selected.add(chosen);
  const [low, high] = event.shiftKey ? [Math.min(table.chosen, position), Math.max(table.chosen, position)] : [position, position];
  for (const track of table.shown.slice(low, high + 1)) {
    if (event.shiftKey || !table.selected.has(track)) table.selected.add(track);
    else table.selected.delete(track);
  }
  choose(position);
}

/** The selected tracks in the order of the list; the chosen one where none is selected. */
export function selection() {
  const found = table.shown.filter((track) => table.selected.has(track));
  return found.length ? found : table.shown.slice(table.chosen, table.chosen + 1);
}

/** Choose the row at a position of the shown tracks, bring it into sight, perhaps open it. */
export function choose(position, open = false) {
  if (!table.shown.length) return;
  table.chosen = Math.min(Math.max(position, 0), table.shown.length - 1);
  bringIntoSight();
  draw();
  markChosen();
  if (open) table.open(table.shown[table.chosen]);
}

/** Scroll to the chosen row, if it is out of sight. */
function bringIntoSight() {
  const top = table.chosen * ROW;
  if (top < $("table").scrollTop) $("table").scrollTop = top;
  else if (top + ROW > $("table").scrollTop + inSight()) $("table").scrollTop = top + ROW - inSight();
}

function markChosen() {
  const track = table.shown[table.chosen];
  for (const row of all(".row", $("rows"))) row.setAttribute("aria-selected", Number(row.dataset.index) === track?.index || table.selected.has(tracks[row.dataset.index]));
  markSelection();
  if (track) $("table").setAttribute("aria-activedescendant", `row-${track.index}`);
  else $("table").removeAttribute("aria-activedescendant");
}

function markSelection() {
  const number = table.selected.size;
  $("add-to-set").textContent = number > 1 ? `Add ${number} to set` : "Add to set";
}

/** The table's own keys; true if the key was one. */
export function tableKey(key) {
  const page = Math.max(Math.floor(inSight() / ROW) - 1, 1);
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (key in moves) choose(Math.max(Math.min(table.chosen + moves[key], table.shown.length - 1), 0), !$("deck").hidden);
  else if (key === "Enter") choose(table.chosen, true);
  else return false;
  return true;
}
