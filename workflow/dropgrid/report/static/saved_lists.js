// The user's lists of tracks: saved by the server beside the results, or in this browser.

import { writeStored, readStored } from "./dom.js";
import { workbench } from "./editor.js";
import { library, tracks } from "./tracks.js";

const LISTS_STORAGE_KEY = `lists ${location.pathname}`;
export const lists = {
  all: /** @type {{name: string, tracks: string[]}[]} */ ([]),
  name: /** @type {string | null} */ (null), // the list that is shown; null: the whole library
  positions: /** @type {Map<string, number> | null} */ (null), // of the tracks in that list
};

/** Load the saved lists. */
export async function readLists() {
  replaceLists(library.served ? (await workbench.store.requestJson("lists")).lists : (readStored(LISTS_STORAGE_KEY) ?? []));
}

/** Save a list; it replaces the list of the same name, or of the name `insteadOf`. */
export async function saveList(name, ids, insteadOf) {
  if (library.served) return replaceLists((await workbench.store.requestJson("lists/keep", { name, tracks: ids, ...(insteadOf ? { instead_of: insteadOf } : {}) })).lists);
  if (!name.trim()) throw new Error("A list needs a name.");
  const index = lists.all.findIndex((list) => list.name === (insteadOf ?? name));
  if (lists.all.some((list, i) => list.name === name && i !== index)) throw new Error(`There is already a list named ${name}.`);
  const list = { name: name.trim(), tracks: [...new Set(ids)] };
  return replaceLists(index < 0 ? [...lists.all, list] : lists.all.toSpliced(index, 1, list));
}

export async function deleteList(name) {
  replaceLists(library.served ? (await workbench.store.requestJson("lists/delete", { name })).lists : lists.all.filter((list) => list.name !== name));
}

/** The ids of a list; none if there is no such list. */
export const idsOfList = (name) => lists.all.find((list) => list.name === name)?.tracks ?? [];

/** Show a list, or with null the whole library. */
export function pickList(name) {
  lists.name = lists.all.some((list) => list.name === name) ? name : null;
  lists.positions = lists.name === null ? null : new Map(idsOfList(lists.name).map((id, position) => [id, position]));
}

/** A name that no list has yet. */
export function freeName() {
  for (let i = 1; ; i++) if (!lists.all.some((list) => list.name === `List ${i}`)) return `List ${i}`;
}

function replaceLists(all) {
  lists.all = all;
  if (!library.served) writeStored(LISTS_STORAGE_KEY, all);
  pickList(lists.name);
}

/** The tracks of a list that are still in the library, in the list's order. */
export function tracksOf(name) {
  const byId = new Map(tracks.map((track) => [track.id, track]));
  return idsOfList(name).map((id) => byId.get(id)).filter(Boolean);
}
