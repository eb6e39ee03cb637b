// The covers in the tags of files, as small pictures that are kept while the page is open.

import { make } from "./dom.js";

const SIDE = 40; // px, as in library.css; twice that for screens of twice the pixels
const MAX_COVERS = 600; // kept in memory; the one shown longest ago is dropped first
const covers = new Map(); // id: a small picture, or a promise of one

/** Reads covers from files: the server, if there is one. */
export const coverReader = { fetchCover: null };

/** The cover of a track as an element; empty if it has none. */
export function coverOf(track) {
  const canvas = make("canvas", { class: "cover", width: 2 * SIDE, height: 2 * SIDE, "aria-hidden": "true" });
  if (coverReader.fetchCover && track.cover) drawCover(canvas, track);
  return canvas;
}

async function drawCover(canvas, track) {
  const cover = covers.get(track.id) ?? loadCover(track);
  covers.delete(track.id); // and put back at the end, so that the first is the oldest
  covers.set(track.id, cover);
  if (covers.size > MAX_COVERS) covers.delete(covers.keys().next().value);
  const picture = cover instanceof Promise ? await cover : cover;
  if (picture) canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
}

async function loadCover(track) {
  try {
    const image = await coverReader.fetchCover(track);
    if (!image) return null;
    const picture = await createImageBitmap(image, { resizeWidth: 2 * SIDE, resizeHeight: 2 * SIDE, resizeQuality: "medium" });
    covers.set(track.id, picture);
    return picture;
  } catch {
    return null; // a picture that the browser cannot read
  }
}
