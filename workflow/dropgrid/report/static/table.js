// The library table: only the rows in sight exist. One tab stop; arrow keys move the choice.

import { cells, columns, fitColumns, startColumns } from "./columns.js";
import { $, all, make } from "./dom.js";
import { drawMiniatures, giveBack } from "./drawing.js";
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
const SPARE_ROWS = 4; // rows that are there above and below those in sight ...
const SPARE_AFTER = 80; // ms after which they are made a scroll to where no row was
export const table = { shown: tracks, chosen: 0, selected: /** @type {Set<any>} */ (new Set()), sort: null, descending: false, open: /** @type {(track: any) => void} */ (() => {}) };

export function startTable(open) {
  table.open = open;
  startFilters();
  startWheel();
  startColumns();
  startDownloads();
  const add = () => { for (const track of selection()) addToSet(track); };
  $("tools").insertBefore(make("button", { class: "quiet", id: "add-to-set", title: "Put the selected tracks at the end of the set. Ctrl and Shift with a click select several", onclick: add }, "Add to set"), $("shown"));
  $("search").addEventListener("input", refresh);
  startListsBar();
  startRowMenu();
  $("table").addEventListener("keydown", tableShortcut);
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
  let shown = tracks.filter((t) => passes(t) && matches(t));
  if (table.sort) {
    const { value } = table.sort;
    const sign = table.descending ? -1 : 1;
    const valued = shown.map((track) => [value(track), track]); // worked out once for each
    valued.sort(([x, a], [y, b]) => {
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined) || a.index - b.index;
      return x < y ? -sign : x > y ? sign : a.index - b.index;
    });
    shown = valued.map(([, track]) => track);
  } else if (lists.places) {
    const { places } = lists;
    shown.sort((a, b) => places.get(a.id) - places.get(b.id));
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

const drawn = { first: 0, last: 0, rest: 0 }; // positions of the first row there is and of the one after the last
let made = /** @type {Map<number, any>} */ (new Map()); // position: its row

/** Make the rows in sight, if others are in sight than before; those that stay in sight are kept. */
export function draw(again) {
  const { scrollTop } = $("table");
  const [top, bottom] = [Math.floor(scrollTop / ROW), Math.ceil((scrollTop + inSight()) / ROW)];
  const isJump = again !== true && (top >= drawn.last || bottom <= drawn.first); // scrolled past all rows there are
  const margin = isJump ? 0 : SPARE_ROWS;
  const [first, last] = [Math.max(top - margin, 0), Math.min(bottom + margin, table.shown.length)];
  clearTimeout(drawn.rest);
  if (isJump) drawn.rest = setTimeout(draw, SPARE_AFTER);
  if (first === drawn.first && last === drawn.last && again !== true) return;
  Object.assign(drawn, { first, last });
  const before = again === true ? new Map() : made;
  for (const [i, row] of made) if (again === true || i < first || i >= last) giveBack(row);
  const fresh = [];
  made = new Map();
  for (let i = first; i < last; i++) {
    if (!before.has(i)) fresh.push(i);
    made.set(i, before.get(i) ?? rowOf(table.shown[i], i));
  }
  if (fresh.length === made.size) $("rows").replaceChildren(...made.values());
  else {
    for (const [i, row] of before) if (!made.has(i)) row.remove();
    const kept = [...made.keys()].find((i) => before.has(i)) ?? 0;
    $("rows").prepend(...fresh.filter((i) => i < kept).map((i) => made.get(i)));
    $("rows").append(...fresh.filter((i) => i > kept).map((i) => made.get(i)));
  }
  if (!table.shown.length) $("rows").append(make("p", { class: "empty" }, emptyText()));
  drawMiniatures(fresh.map((i) => [made.get(i), table.shown[i]]));
  markChosen();
}

function emptyText() {
  if (!tracks.length) return "The library is empty. Analyse a folder of music: dropgrid run ~/Music";
  return lists.places?.size === 0 ? "This list is empty. Drag tracks from All tracks onto it, or add them by a row's menu." : "No track matches.";
}

/** A click opens a track, a double click plays it. */
function rowOf(track, position) {
  const row = make(
    "div",
    { class: "row", role: "row", draggable: "true", id: `row-${track.index}`, "data-index": track.index, "aria-rowindex": position + 2, onclick: (event) => press(event, position), ondblclick: startPlaying },
    ...cells(track),
  );
  row.style.transform = `translateY(${position * ROW}px)`;
  row.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", idsOf(track).join("\n")));
  row.addEventListener("dragover", (event) => { if (isArranged()) event.preventDefault(); });
  row.addEventListener("drop", (event) => { if (isArranged()) { event.preventDefault(); moveInList(draggedIds(event), track.id); } });
  return row;
}

/** Whether rows stand as in a list, so that moving one means something. */
const isArranged = () => lists.name !== null && !table.sort;

/** The ids that are moved with a track: its own, or of all that are selected with it. */
const idsOf = (track) => (table.selected.has(track) ? selection() : [track]).map(({ id }) => id);
export const draggedIds = (event) => event.dataTransfer.getData("text/plain").split("\n").filter(Boolean);

/** What keys with Ctrl, Shift and Alt do in the table. */
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
  const name = number > 1 ? `Add ${number} to set` : "Add to set";
  if ($("add-to-set").textContent !== name) $("add-to-set").textContent = name;
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
