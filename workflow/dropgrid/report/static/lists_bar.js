// The side bar of lists: choose one, drop tracks on it, name it, delete it.

import { $, make, remember, remembered } from "./dom.js";
import { deleteList, freeName, keepList, listed, lists, pickList, readLists, tracksOf } from "./saved_lists.js";
import { addToSet } from "./set_page.js";
import { draggedIds, refresh, table } from "./table.js";
import { tracks } from "./tracks.js";

let naming = false; // whether the shown list's name is being typed
let trouble = ""; // why the last change was not made

export function startListsBar() {
  const toggle = make("button", { id: "lists-button", class: "quiet", "aria-expanded": "false", "aria-controls": "lists", title: "Lists of tracks that you keep", onclick: () => { remember("lists-open", $("lists").hidden); showBar($("lists").hidden); } }, "Lists");
  $("tools").insertBefore(toggle, $("filters"));
  showBar(remembered("lists-open") ?? false);
  attempt(readLists());
}

function showBar(open) {
  $("lists").hidden = !open;
  $("lists-button").setAttribute("aria-expanded", open);
}

/** Do what changes the lists, then show them; a reason why not is told. */
async function attempt(doing) {
  try {
    await doing;
    trouble = "";
  } catch (reason) {
    trouble = reason.message;
    showBar(true);
  }
  drawBar();
  refresh();
}

/** Add tracks to a list; without a name to a new one, whose name is asked for. */
export function addToList(ids, name = null) {
  const into = name ?? freeName();
  const shown = () => { if (name === null) { showBar(true); naming = true; pickList(into); } };
  return attempt(keepList(into, [...listed(into), ...ids]).then(shown));
}

/** Take tracks out of the list that is shown. */
export function takeFromList(ids) {
  const gone = new Set(ids);
  return attempt(keepList(lists.name, listed(lists.name).filter((id) => !gone.has(id))));
}

/** Move tracks of the shown list in front of another of its tracks, or to its end. */
export function moveInList(ids, before) {
  const moving = new Set(ids);
  const rest = listed(lists.name).filter((id) => !moving.has(id));
  const place = rest.indexOf(before);
  return attempt(keepList(lists.name, rest.toSpliced(place < 0 ? rest.length : place, 0, ...listed(lists.name).filter((id) => moving.has(id)))));
}

function drawBar() {
  const whole = item("All tracks", tracks.length, null);
  const rows = lists.all.flatMap(({ name, tracks: ids }) => (name === lists.name ? [naming ? nameField(name) : item(name, ids.length, name), actions(name)] : [item(name, ids.length, name)]));
  const add = make("button", { class: "quiet", id: "new-list", onclick: () => addToList([]) }, "New list");
  $("lists").replaceChildren(whole, ...rows, add, ...(trouble ? [make("p", { class: "note", role: "alert" }, trouble)] : []));
  if (naming) { $("list-name").focus(); $("list-name").select(); }
}

/** A list to press, and to drop tracks on. */
function item(shown, number, name) {
  const button = make("button", { class: "list-item", "aria-pressed": lists.name === name, onclick: () => { naming = false; table.selected.clear(); pickList(name); drawBar(); refresh(); } }, make("span", {}, shown), make("span", { class: "count" }, number.toLocaleString("en")));
  if (name === null) return button;
  button.addEventListener("dragover", (event) => { event.preventDefault(); button.classList.add("over"); });
  button.addEventListener("dragleave", () => button.classList.remove("over"));
  button.addEventListener("drop", (event) => { event.preventDefault(); addToList(draggedIds(event), name); });
  return button;
}

function actions(name) {
  const into = () => { for (const track of tracksOf(name)) addToSet(track); };
  return make("div", { class: "list-actions" },
    make("button", { class: "quiet", title: "Put all its tracks at the end of the set", onclick: into }, "To set"),
    make("button", { class: "quiet", onclick: () => { naming = true; drawBar(); } }, "Rename"),
    make("button", { class: "quiet", title: "Delete the list; its tracks stay in the library", onclick: () => attempt(deleteList(name)) }, "Delete"));
}

function nameField(name) {
  const field = make("input", { id: "list-name", "aria-label": "Name of the list", maxlength: 100, value: name, spellcheck: "false" });
  const done = () => {
    if (!naming) return;
    naming = false;
    const typed = field.value.trim();
    if (!typed || typed === name) { drawBar(); return; }
    attempt(keepList(typed, listed(name), name).then(() => pickList(typed)));
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); naming = false; drawBar(); } else if (event.key === "Enter") done();
  });
  field.addEventListener("blur", done);
  return field;
}
