// Lists of tracks that a person keeps: by the server beside the results, or in this browser.

import { remember, remembered } from "./dom.js";
import { bench } from "./editor.js";
import { library, tracks } from "./tracks.js";

const LISTS_KEPT = `lists ${location.pathname}`;
export const lists = {
  all: /** @type {{name: string, tracks: string[]}[]} */ ([]),
  name: /** @type {string | null} */ (null), // of the list that is shown; null: the whole library
  places: /** @type {Map<string, number> | null} */ (null), // of the shown list's tracks
};

/** Read what is kept. */
export async function readLists() {
  takeLists(library.served ? (await bench.store.ask("lists")).lists : (remembered(LISTS_KEPT) ?? []));
}

/** Keep a list, in the place of the one of its name or of another name. */
export async function keepList(name, ids, insteadOf) {
  if (library.served) return takeLists((await bench.store.ask("lists/keep", { name, tracks: ids, ...(insteadOf ? { instead_of: insteadOf } : {}) })).lists);
  if (!name.trim()) throw new Error("A list needs a name.");
  const place = lists.all.findIndex((list) => list.name === (insteadOf ?? name));
  if (lists.all.some((list, i) => list.name === name && i !== place)) throw new Error(`There is a list of the name ${name}.`);
  const kept = { name: name.trim(), tracks: [...new Set(ids)] };
  return takeLists(place < 0 ? [...lists.all, kept] : lists.all.toSpliced(place, 1, kept));
}

export async function deleteList(name) {
  takeLists(library.served ? (await bench.store.ask("lists/delete", { name })).lists : lists.all.filter((list) => list.name !== name));
}

/** The ids of a list; none where there is no such list. */
export const listed = (name) => lists.all.find((list) => list.name === name)?.tracks ?? [];

/** Show a list, or with null the whole library. */
export function pickList(name) {
  lists.name = lists.all.some((list) => list.name === name) ? name : null;
  lists.places = lists.name === null ? null : new Map(listed(lists.name).map((id, place) => [id, place]));
}

/** A name for a list that is not there yet. */
export function freeName() {
  for (let i = 1; ; i++) if (!lists.all.some((list) => list.name === `List ${i}`)) return `List ${i}`;
}

function takeLists(found) {
  lists.all = found;
  if (!library.served) remember(LISTS_KEPT, found);
  pickList(lists.name);
}

/** The tracks of a list that the library still has, in its order. */
export function tracksOf(name) {
  const byId = new Map(tracks.map((track) => [track.id, track]));
  return listed(name).map((id) => byId.get(id)).filter(Boolean);
}
