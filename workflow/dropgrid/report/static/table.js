// The library table: only the visible rows exist. One tab stop; arrow keys choose a row.

import { cells, columns, fitColumns, startColumns } from "./columns.js";
import { $, all, make } from "./dom.js";
import { drawMiniatures, recycleCanvases } from "./drawing.js";
import { startWheel } from "./key_wheel.js";
import { startPlaying } from "./player.js";
import { addToSet } from "./set_page.js";
import { startDownloads } from "./downloads.js";
import { moveInList, startListsBar } from "./lists_bar.js";
import { startRowMenu } from "./row_menu.js";
import { lists } from "./saved_lists.js";
import { filter, markFilters, passes, startFilters } from "./search.js";
import { count } from "./text.js";
import { query } from "./track_query.js";
import { tracks } from "./tracks.js";

const ROW = 52; // px, as in library.css
const SPARE_ROWS = 4; // extra rows above and below the visible ones
const SPARE_DELAY = 80; // ms until they are made after a jump to rows that do not exist yet
export const table = { shown: tracks, chosen: 0, selected: /** @type {Set<any>} */ (new Set()), sort: null, descending: false, open: /** @type {(track: any) => void} */ (() => {}) };

export function startTable(open) {
  table.open = open;
  startFilters();
  startWheel();
  startColumns();
  startDownloads();
  const add = () => { for (const track of selection()) addToSet(track); };
  $("tools").insertBefore(make("button", { class: "quiet", id: "add-to-set", title: "Add the selected tracks to the end of the set. Click with Ctrl or Shift to select several", onclick: add }, "Add to set"), $("shown"));
  $("search").addEventListener("input", refresh);
  startListsBar();
  startRowMenu();
  $("table").addEventListener("keydown", tableShortcut);
  $("table").addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(() => { fitColumns(); if (!$("deck").hidden) scrollToChosen(); draw(true); }).observe($("table"));
  fitColumns(true);
  refresh();
}

/** Sort by a column, ascending first, then descending; a third press restores the library's order. */
export function sortBy(column) {
  if (table.sort !== column) [table.sort, table.descending] = [column, false];
  else if (!table.descending) table.descending = true;
  else [table.sort, table.descending] = [null, false];
  markSort();
  refresh();
}

export function markSort() {
  for (const [i, head] of [...$("head").children].entries()) {
    const isSorted = columns.shown[i] === table.sort;
    head.setAttribute("aria-sort", isSorted ? (table.descending ? "descending" : "ascending") : "none");
    head.querySelector(".arrow").textContent = isSorted ? (table.descending ? "▼" : "▲") : "";
  }
}

/** Search, filter and sort again; the chosen track stays chosen if it is still shown. */
export function refresh() {
  const chosen = table.shown[table.chosen];
  const matches = query($("search").value, filter.octaves);
  const shown = ordered(tracks.filter((t) => passes(t) && matches(t)));
  table.shown = shown;
  table.chosen = Math.max(shown.indexOf(chosen), 0);
  markFilters();
  $("table").setAttribute("aria-rowcount", shown.length + 1);
  $("shown").textContent = shown.length === tracks.length ? count(shown.length, "track") : `${shown.length.toLocaleString("en")} of ${count(tracks.length, "track")}`;
  $("rows").style.height = `${shown.length * ROW}px`;
  if (!shown.includes(chosen)) $("table").scrollTop = 0;
  draw(true);
}

/** Tracks in the order of the sorted column, else of the shown list, else of the library. */
function ordered(found) {
  const { positions } = lists;
  if (!table.sort) return positions ? found.sort((a, b) => positions.get(a.id) - positions.get(b.id)) : found;
  const { value } = table.sort;
  const sign = table.descending ? -1 : 1;
  const valued = found.map((track) => [value(track), track]); // computed once for each track
  valued.sort(([x, a], [y, b]) => {
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined) || a.index - b.index;
    return x < y ? -sign : x > y ? sign : a.index - b.index;
  });
  return valued.map(([, track]) => track);
}

/** The height of the visible rows (px). */
const visibleHeight = () => $("table").clientHeight - $("head").offsetHeight;

const drawn = { first: 0, last: 0, spareTimer: 0 }; // positions of the first row and after the last row that exist
let rows = /** @type {Map<number, any>} */ (new Map()); // position: its row

/** Make the rows that have become visible; all rows if `again` is true. */
export function draw(again) {
  const { scrollTop } = $("table");
  const [top, bottom] = [Math.floor(scrollTop / ROW), Math.ceil((scrollTop + visibleHeight()) / ROW)];
  const isJump = again !== true && (top >= drawn.last || bottom <= drawn.first); // scrolled past all rows that exist
  const margin = isJump ? 0 : SPARE_ROWS;
  const [first, last] = [Math.max(top - margin, 0), Math.min(bottom + margin, table.shown.length)];
  clearTimeout(drawn.spareTimer);
  if (isJump) drawn.spareTimer = setTimeout(draw, SPARE_DELAY);
  if (first === drawn.first && last === drawn.last && again !== true) return;
  Object.assign(drawn, { first, last });
  const before = again === true ? new Map() : rows;
  for (const [i, row] of rows) if (again === true || i < first || i >= last) recycleCanvases(row);
  rows = new Map();
  for (let i = first; i < last; i++) rows.set(i, before.get(i) ?? rowOf(table.shown[i], i));
  const added = [...rows.keys()].filter((i) => !before.has(i));
  showRows(before, added);
  if (!table.shown.length) $("rows").append(make("p", { class: "empty" }, emptyText()));
  drawMiniatures(added.map((i) => [rows.get(i), table.shown[i]]));
  markChosen();
}

/** Put the rows into the page. before: the rows that are there; added: positions of the new ones. */
function showRows(before, added) {
  if (added.length === rows.size) return $("rows").replaceChildren(...rows.values());
  for (const [i, row] of before) if (!rows.has(i)) row.remove();
  const stayed = [...rows.keys()].find((i) => before.has(i)) ?? 0;
  $("rows").prepend(...added.filter((i) => i < stayed).map((i) => rows.get(i)));
  return $("rows").append(...added.filter((i) => i > stayed).map((i) => rows.get(i)));
}

function emptyText() {
  if (!tracks.length) return "The library is empty. Analyse a folder of music: dropgrid run ~/Music";
  return lists.positions?.size === 0 ? "This list is empty. Drag tracks from All tracks onto it, or right-click a track to add it." : "No tracks match.";
}

/** A click opens a track, a double click plays it. */
function rowOf(track, position) {
  const row = make(
    "div",
    { class: "row", role: "row", draggable: "true", id: `row-${track.index}`, "data-index": track.index, "aria-rowindex": position + 2, onclick: (event) => clickRow(event, position), ondblclick: startPlaying },
    ...cells(track),
  );
  row.style.transform = `translateY(${position * ROW}px)`;
  row.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", idsOf(track).join("\n")));
  row.addEventListener("dragover", (event) => { if (isArranged()) event.preventDefault(); });
  row.addEventListener("drop", (event) => { if (isArranged()) { event.preventDefault(); moveInList(draggedIds(event), track.id); } });
  return row;
}

/** Whether the rows are in the order of a list, so that they can be moved. */
const isArranged = () => lists.name !== null && !table.sort;

/** The ids to drag with a track: its own, or those of the selection that it belongs to. */
const idsOf = (track) => (table.selected.has(track) ? selection() : [track]).map(({ id }) => id);
export const draggedIds = (event) => event.dataTransfer.getData("text/plain").split("\n").filter(Boolean);

/** Handle keys with Ctrl, Shift and Alt in the table. */
function tableShortcut(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if ((event.ctrlKey || event.metaKey) && event.key === "a") {
    for (const track of table.shown) table.selected.add(track);
    markChosen();
  } else if (step && event.shiftKey && !event.altKey) {
    const from = table.shown[table.chosen];
    if (from) table.selected.add(from);
    choose(table.chosen + step);
    table.selected.add(table.shown[table.chosen]);
    markChosen();
  } else if (step && event.altKey && isArranged()) {
    const moved = table.shown[table.chosen];
    moveInList([moved.id], table.shown[table.chosen + (step < 0 ? -1 : 2)]?.id);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** A click opens a row; with Ctrl it adds it to the selection, with Shift all rows from the chosen row. */
function clickRow(event, position) {
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

/** The selected tracks in the order of the table; if none is selected, the chosen track. */
export function selection() {
  const selected = table.shown.filter((track) => table.selected.has(track));
  return selected.length ? selected : table.shown.slice(table.chosen, table.chosen + 1);
}

/** Choose the row at a position, scroll to it, and open it if `open` is true. */
export function choose(position, open = false) {
  if (!table.shown.length) return;
  table.chosen = Math.min(Math.max(position, 0), table.shown.length - 1);
  scrollToChosen();
  draw();
  markChosen();
  if (open) table.open(table.shown[table.chosen]);
}

/** Scroll to the chosen row, if it is not visible. */
function scrollToChosen() {
  const top = table.chosen * ROW;
  if (top < $("table").scrollTop) $("table").scrollTop = top;
  else if (top + ROW > $("table").scrollTop + visibleHeight()) $("table").scrollTop = top + ROW - visibleHeight();
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
  const name = number > 1 ? `Add ${number} to set` : "Add to set";
  if ($("add-to-set").textContent !== name) $("add-to-set").textContent = name;
}

/** Handle a key of the table; false if it is not one. */
export function tableKey(key) {
  const page = Math.max(Math.floor(visibleHeight() / ROW) - 1, 1);
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (key in moves) choose(Math.max(Math.min(table.chosen + moves[key], table.shown.length - 1), 0), !$("deck").hidden);
  else if (key === "Enter") choose(table.chosen, true);
  else return false;
  return true;
}
