// Corrections without a server: edits are kept in this browser and saved as a file that dropgrid reads.
//
// What is kept of a track is its edits, one after another, how many of them count, and the answer
// that they were made on. The file holds these: what they come to, dropgrid works out. The page
// shows them as well as it can. So undo and redo have no end and survive a reload.

import { remember, remembered } from "./dom.js";
import { analysed, beatsOf, edited } from "./grid_edits.js";
import { DROP, LABELS } from "./labels.js";
import { refresh } from "./table.js";
import { bpmText } from "./text.js";
import { lastBefore } from "./times.js";
import { BARS, details, library, prepare, replaceRow, tracks } from "./tracks.js";

const KEPT = `corrections ${location.pathname}`;
const NONE = { edits: [], at: 0 };
export const ownFile = {
  name: "this browser",
  steps: remembered(KEPT) ?? {}, // path: {edits: [[...], ...], at, answer}
  base: remembered(`${KEPT} opened`) ?? null, // the file of corrections that these are added to
  analysis: new Map(), // track: {row, details, answer} before any edit

  /** Put in place what was edited on an earlier visit. */
  async start() {
    for (const track of tracks) if (this.steps[track.path]?.at && !track.failure) await this.open(track);
    if (Object.keys(this.steps).length) refresh();
  },

  /** What the run took: the page holds it. */
  async costs() { return library.cost; },

  /** An opened track: its details and other readings. Its row is made to fit. */
  async open(track) {
    const found = await details(track);
    if (!this.analysis.has(track)) this.analysis.set(track, { row: { ...track }, details: found, answer: analysed(track, found) });
    return this.show(track);
  },

  /** What is kept of an opened track; nothing where it was made on another answer than is shown. */
  keptOf(track) {
    const kept = this.steps[track.path];
    const answer = shownAnswer(this.analysis.get(track).row);
    return kept && JSON.stringify(kept.answer ?? answer) === JSON.stringify(answer) ? { ...kept, answer } : { ...NONE, answer };
  },

  async edit(track, edits) {
    const kept = this.keptOf(track);
    const next = { ...kept, edits: [...kept.edits.slice(0, kept.at), edits], at: kept.at + 1 };
    this.answerOf(track, next); // throws before anything is kept
    return this.keep(track, next);
  },

  async undo(track) { return this.step(track, -1); },
  async redo(track) { return this.step(track, 1); },

  step(track, by) {
    const kept = this.keptOf(track);
    const at = kept.at + by;
    if (at < 0 || at > kept.edits.length) throw new Error(by < 0 ? "There is nothing to undo." : "There is nothing to redo.");
    return this.keep(track, { ...kept, at });
  },

  keep(track, kept) {
    this.steps[track.path] = kept;
    remember(KEPT, this.steps);
    return this.show(track);
  },

  answerOf(track, { edits, at } = this.keptOf(track)) {
    let { answer } = this.analysis.get(track);
    for (const edit of edits.slice(0, at).flat()) answer = edit.op === "reset" ? this.analysis.get(track).answer : edited(answer, edit);
    return answer;
  },

  /** Make a track's row show its answer; what the deck needs of it. */
  show(track) {
    const { row, details } = this.analysis.get(track);
    const answer = this.answerOf(track);
    const kept = this.keptOf(track);
    const changed = answer.stated.grid ? beatsOf(answer) : details;
    replaceRow(track, Object.keys(answer.stated).some((name) => name !== "confirmed") ? rowOfAnswer(row, answer, changed) : row);
    track.state = { corrected: Object.keys(answer.stated).filter((name) => name !== "confirmed"), confirmed: Boolean(answer.confirmed), undo: kept.at, redo: kept.edits.length - kept.at, job: "idle" };
    prepare(track);
    return { details: { ...details, beats: changed.beats, downbeats: changed.downbeats }, ghosts: ghostsOf(row) };
  },

  /** Add to a file of corrections; how many tracks it has. Throws an Error for any other file. */
  addTo(text) {
    let found;
    try {
      found = JSON.parse(text);
    } catch {
      throw new Error("it is not JSON");
    }
    if (found?.schema !== "dropgrid/corrections" || typeof found.tracks !== "object" || found.tracks === null) throw new Error("it is no file of corrections");
    if (found.schema_version !== 1) throw new Error(`it is of version ${found.schema_version}, and this page knows 1`);
    this.base = found;
    remember(`${KEPT} opened`, found);
    for (const [path, { edits }] of Object.entries(found.tracks)) {
      if (!Array.isArray(edits?.steps) || this.steps[path]?.at) continue;
      this.steps[path] = { edits: edits.steps, at: edits.steps.length, answer: edits.answer };
    }
    remember(KEPT, this.steps);
    return Object.keys(found.tracks).length;
  },

  /** The file of corrections that was opened, with the edits that were made here. */
  document() {
    const made = { ...this.base?.tracks };
    const known = new Map(tracks.map((track) => [track.path, track]));
    for (const [path, { edits, at, answer }] of Object.entries(this.steps)) {
      const { edits: before, ...stated } = made[path] ?? {};
      const track = known.get(path);
      if (at) made[path] = { ...(track?.fingerprint ? { fingerprint: track.fingerprint } : {}), ...stated, edits: { answer: answer ?? shownAnswer(this.analysis.get(track)?.row ?? track), steps: edits.slice(0, at) } };
      else if (before) made[path] = stated;
    }
    return { ...this.base, schema: "dropgrid/corrections", schema_version: 1, tracks: Object.fromEntries(Object.entries(made).sort(([a], [b]) => (a < b ? -1 : 1))) };
  },
};

/** What is known of the sections as analysed, and not of those that a person drew. */
const UNMEASURED = Object.fromEntries(["energies", "energy", "impact", ...BARS.map(([key]) => key)].map((key) => [key, undefined]));

const exact = (number) => Number(number.toFixed(6));

/** The answer that a row shows, by which dropgrid knows on what edits were made. */
function shownAnswer(row) {
  const grid = (row?.grid ?? []).map(([start, bpm, , one]) => ({ start, bpm, ...(one === null ? {} : { one }) }));
  const sections = (row?.sections ?? []).map(([start, , label]) => ({ start, label: LABELS[label] }));
  return { grid, sections, drops: row?.drops ?? [], ...(row?.key ? { key: row.key } : {}) };
}

/** The row of a track as the library's list needs it, for an answer that a person gave. */
function rowOfAnswer(row, answer, { beats, downbeats }) {
  const bar = (time) => Math.max(lastBefore(downbeats, time + 0.01) + 1, 1);
  const sections = answer.sections.map(({ start, label }, i) => {
    const end = answer.sections[i + 1]?.start ?? answer.duration;
    const last = i + 1 < answer.sections.length ? bar(end) : downbeats.length + 1;
    return [start, end, LABELS.indexOf(label), downbeats.length ? bar(start) : null, downbeats.length ? last - bar(start) : null, 1];
  });
  const drops = sections.filter(([, , label], i) => label === DROP && sections[i - 1]?.[2] !== DROP).map(([start]) => start);
  const grid = answer.grid.map(({ start, bpm, one, noOne }) => [start, bpm, beats.length, noOne ? null : one]);
  const longest = answer.grid[0]?.bpm ?? row.bpm;
  return {
    ...row,
    ...(answer.stated.grid ? { grid, bpm: exact(longest), fitted: undefined, interval: undefined, confidence: 1, confidences: [1, 1, 1, 1], source: "corrected", signature: `${answer.grid[0].beats}/4` } : {}),
    ...(answer.stated.grid || answer.stated.sections ? { sections, drops, ...UNMEASURED } : {}),
    ...(answer.stated.key ? { key: answer.key, camelot: library.keys[answer.key] } : {}),
  };
}

/** The other readings that the evidence allows, as edits. */
function ghostsOf(track) {
  const tempos = (track.alternatives ?? []).map(([bpm, share]) => {
    const octave = { 0.5: "half", 2: "double" }[Number((bpm / track.bpm).toFixed(3))];
    return { label: octave ? `${octave} tempo, ${bpmText(bpm)}` : `${bpmText(bpm)} BPM`, confidence: share, edit: octave ? { op: octave } : { op: "bpm", bpm } };
  });
  const moved = (track.moved ?? []).map(([beats, share, kind]) => ({
    label: kind === "phase" ? movedText(beats) : `downbeat ${movedText(beats)}`, confidence: share, edit: { op: kind === "phase" ? "shift" : "one", beats },
  }));
  return [...tempos, ...moved].sort((a, b) => b.confidence - a.confidence);
}

function movedText(beats) {
  const number = Math.abs(beats);
  return `${number === 0.5 ? "half a beat" : number === 1 ? "a beat" : `${number} beats`} ${beats > 0 ? "later" : "earlier"}`;
}
