// The side bar of lists: show, rename and delete lists, and drop tracks on them.

import { $, make, writeStored, readStored } from "./dom.js";
import { deleteList, freeName, saveList, idsOfList, lists, pickList, readLists, tracksOf } from "./saved_lists.js";
import { addToSet } from "./set_page.js";
import { draggedIds, refresh, table } from "./table.js";
import { tracks } from "./tracks.js";

let isRenaming = false; // whether the name of the shown list is being typed
let problem = ""; // why the last change failed

export function startListsBar() {
  const toggle = make("button", { id: "lists-button", class: "quiet", "aria-expanded": "false", "aria-controls": "lists", title: "Your lists of tracks", onclick: () => { writeStored("lists-open", $("lists").hidden); showBar($("lists").hidden); } }, "Lists");
  $("tools").insertBefore(toggle, $("filters"));
  showBar(readStored("lists-open") ?? false);
  attempt(readLists());
}

function showBar(open) {
  $("lists").hidden = !open;
  $("lists-button").setAttribute("aria-expanded", open);
}

/** Wait for a change of the lists, then show them, or why the change failed. */
async function attempt(change) {
  try {
    await change;
    problem = "";
  } catch (reason) {
    problem = reason.message;
    showBar(true);
  }
  drawBar();
  refresh();
}

/** Add tracks to a list; without a name, to a new list, and let the user type its name. */
export function addToList(ids, name = null) {
  const into = name ?? freeName();
  const shown = () => { if (name === null) { showBar(true); isRenaming = true; pickList(into); } };
  return attempt(saveList(into, [...idsOfList(into), ...ids]).then(shown));
}

/** Remove tracks from the shown list. */
export function removeFromList(ids) {
  const removed = new Set(ids);
  return attempt(saveList(lists.name, idsOfList(lists.name).filter((id) => !removed.has(id))));
}

/** Move tracks of the shown list before another of its tracks, or to its end. */
export function moveInList(ids, before) {
  const moving = new Set(ids);
  const rest = idsOfList(lists.name).filter((id) => !moving.has(id));
  const index = rest.indexOf(before);
  return attempt(saveList(lists.name, rest.toSpliced(index < 0 ? rest.length : index, 0, ...idsOfList(lists.name).filter((id) => moving.has(id)))));
}

function drawBar() {
  const whole = item("All tracks", tracks.length, null);
  const rows = lists.all.flatMap(({ name, tracks: ids }) => (name === lists.name ? [isRenaming ? nameField(name) : item(name, ids.length, name), actions(name)] : [item(name, ids.length, name)]));
  const add = make("button", { class: "quiet", id: "new-list", onclick: () => addToList([]) }, "New list");
  $("lists").replaceChildren(whole, ...rows, add, ...(problem ? [make("p", { class: "note", role: "alert" }, problem)] : []));
  if (isRenaming) { $("list-name").focus(); $("list-name").select(); }
}

/** A button that shows a list; tracks can be dropped on it. */
function item(shown, number, name) {
  const button = make("button", { class: "list-item", "aria-pressed": lists.name === name, onclick: () => { isRenaming = false; table.selected.clear(); pickList(name); drawBar(); refresh(); } }, make("span", {}, shown), make("span", { class: "count" }, number.toLocaleString("en")));
  if (name === null) return button;
  button.addEventListener("dragover", (event) => { event.preventDefault(); button.classList.add("over"); });
  button.addEventListener("dragleave", () => button.classList.remove("over"));
  button.addEventListener("drop", (event) => { event.preventDefault(); addToList(draggedIds(event), name); });
  return button;
}

function actions(name) {
  const into = () => { for (const track of tracksOf(name)) addToSet(track); };
  return make("div", { class: "list-actions" },
    make("button", { class: "quiet", title: "Add all its tracks to the end of the set", onclick: into }, "To set"),
    make("button", { class: "quiet", onclick: () => { isRenaming = true; drawBar(); } }, "Rename"),
    make("button", { class: "quiet", title: "Delete the list; its tracks stay in the library", onclick: () => attempt(deleteList(name)) }, "Delete"));
}

function nameField(name) {
  const field = make("input", { id: "list-name", "aria-label": "Name of the list", maxlength: 100, value: name, spellcheck: "false" });
  const done = () => {
    if (!isRenaming) return;
    isRenaming = false;
    const typed = field.value.trim();
    if (!typed || typed === name) { drawBar(); return; }
    attempt(saveList(typed, idsOfList(name), name).then(() => pickList(typed)));
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); isRenaming = false; drawBar(); } else if (event.key === "Enter") done();
  });
  field.addEventListener("blur", done);
  return field;
}
