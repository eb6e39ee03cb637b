// The data of the page, and its display texts.

import { $ } from "./dom.js";
import { folded } from "./text.js";
import { verdict } from "./verdict.js";

export const parsed = (id) => JSON.parse($(id).textContent);

export const library = parsed("data-library");
library.served = "revision" in library; // by dropgrid open, not opened as a file
export const tracks = library.tracks;

let packedDetails = null; // one line for each track

/**
 * The data that only an opened track needs: beats, downbeats, refBeats (s), and four waveforms of
 * bytes: wave, and its bands kick, middle, high. See report/encode.py.
 */
export async function details(track) {
  packedDetails ??= $("data-details").textContent.split("\n");
  const packed = Uint8Array.from(atob(packedDetails[track.index]), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return unpacked(await new Response(stream).arrayBuffer());
}

function unpacked(buffer) {
  const view = new DataView(buffer);
  let at = 16;
  const readTimes = (count) => {
    const times = [];
    let ticks = 0;
    for (const end = at + 2 * count; at < end; at += 2) {
      const step = view.getUint16(at, true);
      ticks += step;
      if (step !== 0xffff) times.push(ticks * library.tick);
    }
    return times;
  };
  const [beats, downbeats, refBeats] = [0, 4, 8].map((i) => readTimes(view.getUint32(i, true)));
  const columns = view.getUint32(12, true);
  const [wave, kick, upper] = [0, 1, 2].map((i) => new Uint8Array(buffer, at + i * columns, columns));
  const [middle, high] = [upper.map((byte) => 17 * (byte >> 4)), upper.map((byte) => 17 * (byte & 15))];
  return { beats, downbeats, refBeats, wave, kick, middle, high };
}

/** The waveform of the table's miniature, or null. */
export function miniature(track) {
  return track.mini ? Uint8Array.from(atob(track.mini), (c) => c.charCodeAt(0)) : null;
}

/** Lengths in bars, as columns and filters: see _mixing in report/encode.py. */
export const BARS = [["mixIn", "Mix in"], ["mixOut", "Mix out"], ["firstDrop", "First drop"], ["breakdown", "Breakdown"]];

/** `8A`, or `8A?` where the key is unsure (option key.min_confidence). */
export const camelotText = (track) => (track.camelot ? `${track.camelot}${track.keyUnsure ? "?" : ""}` : "");

/** The alternative tempos that are likely enough for table and facts; the details list all. */
const LIKELY = 0.05; // probability
export const likelyAlternatives = (track) => (track.alternatives ?? []).filter(([, probability]) => probability >= LIKELY);

/** The parts of a track that the user corrected: grid, sections, key. */
export const correctedParts = (track) => track.state?.corrected ?? track.corrected ?? [];

/** Compute a row's search text and status; again after each change. */
export function prepare(track) {
  track.text = folded([track.title, track.artist, track.album, track.genre, track.comment, track.path, track.key, track.camelot].filter(Boolean).join(" "));
  [track.status, track.why] = verdict(track);
}

/** Replace the row of a track; the track stays the same object. */
export function replaceRow(track, row) {
  const { index } = track;
  for (const name of Object.keys(track)) delete track[name];
  Object.assign(track, row, { index });
  prepare(track);
}

for (const [index, track] of tracks.entries()) {
  track.index = index;
  prepare(track);
}
