// The pictures in the tags of files, small and kept for as long as the page is open.

import { make } from "./dom.js";

const SIDE = 40; // px, as in library.css; twice that for screens of twice the pixels
const MOST_COVERS = 600; // kept; the one that was shown longest ago goes first
const covers = new Map(); // id: a small picture, or a promise of one

/** Who reads covers out of files: the server, where there is one. */
export const coverReader = { fetchCover: null };

/** The picture of a track as an element; empty where it has none. */
export function coverOf(track) {
  const canvas = make("canvas", { class: "cover", width: 2 * SIDE, height: 2 * SIDE, "aria-hidden": "true" });
  if (coverReader.fetchCover && track.cover) show(canvas, track);
  return canvas;
}

async function show(canvas, track) {
  const kept = covers.get(track.id) ?? fetched(track);
  covers.delete(track.id); // and again at the end: the first is the oldest
  covers.set(track.id, kept);
  if (covers.size > MOST_COVERS) covers.delete(covers.keys().next().value);
  const picture = kept instanceof Promise ? await kept : kept;
  if (picture) canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
}

async function fetched(track) {
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
