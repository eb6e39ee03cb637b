// Corrections without a server: this browser stores the edits and saves them as a file for dropgrid.
//
// For each track it stores the edits in their order, how many of them are in effect (the others
// were undone), and the answer that they were made on. The file contains these, and dropgrid
// computes the result; the page shows an approximation of it. Undo and redo are unlimited and
// survive a reload.

import { writeStored, readStored } from "./dom.js";
import { analysed, beatsOf, edited } from "./grid_edits.js";
import { DROP, LABELS } from "./labels.js";
import { refresh } from "./table.js";
import { bpmText } from "./text.js";
import { lastBefore } from "./times.js";
import { BARS, details, library, prepare, replaceRow, tracks } from "./tracks.js";

const STORAGE_KEY = `corrections ${location.pathname}`;
const NO_EDITS = { edits: [], at: 0 };
export const browserStore = {
  name: "this browser",
  steps: readStored(STORAGE_KEY) ?? {}, // path: {edits: [[...], ...], at, answer}
  base: readStored(`${STORAGE_KEY} opened`) ?? null, // the opened corrections file that these are added to
  analyses: new Map(), // track: {row, details, answer} before any edit

  /** Show the edits of an earlier visit. */
  async start() {
    for (const track of tracks) if (this.steps[track.path]?.at && !track.failure) await this.open(track);
    if (Object.keys(this.steps).length) refresh();
  },

  /** What the run cost; the page contains it. */
  async costs() { return library.cost; },

  /** An opened track's details and alternatives; its row shows the edits too. */
  async open(track) {
    const unpacked = await details(track);
    if (!this.analyses.has(track)) this.analyses.set(track, { row: { ...track }, details: unpacked, answer: analysed(track, unpacked) });
    return this.show(track);
  },

  /** The stored edits of an opened track; none if they were made on another answer than is shown. */
  storedEdits(track) {
    const stored = this.steps[track.path];
    const answer = shownAnswer(this.analyses.get(track).row);
    return stored && JSON.stringify(stored.answer ?? answer) === JSON.stringify(answer) ? { ...stored, answer } : { ...NO_EDITS, answer };
  },

  async edit(track, edits) {
    const stored = this.storedEdits(track);
    const next = { ...stored, edits: [...stored.edits.slice(0, stored.at), edits], at: stored.at + 1 };
    this.answerOf(track, next); // throws before anything is stored
    return this.keep(track, next);
  },

  async undo(track) { return this.step(track, -1); },
  async redo(track) { return this.step(track, 1); },

  step(track, by) {
    const stored = this.storedEdits(track);
    const at = stored.at + by;
    if (at < 0 || at > stored.edits.length) throw new Error(by < 0 ? "There is nothing to undo." : "There is nothing to redo.");
    return this.keep(track, { ...stored, at });
  },

  keep(track, edits) {
    this.steps[track.path] = edits;
    writeStored(STORAGE_KEY, this.steps);
    return this.show(track);
  },

  answerOf(track, { edits, at } = this.storedEdits(track)) {
    let { answer } = this.analyses.get(track);
    for (const edit of edits.slice(0, at).flat()) answer = edit.op === "reset" ? this.analyses.get(track).answer : edited(answer, edit);
    return answer;
  },

  /** Make a track's row show its answer. Returns what the deck shows of it. */
  show(track) {
    const { row, details } = this.analyses.get(track);
    const answer = this.answerOf(track);
    const { edits, at } = this.storedEdits(track);
    const { beats, downbeats } = answer.corrected.grid ? beatsOf(answer) : details;
    const corrected = Object.keys(answer.corrected).filter((name) => name !== "confirmed");
    replaceRow(track, corrected.length ? rowOfAnswer(row, answer, { beats, downbeats }) : row);
    track.state = { corrected, confirmed: Boolean(answer.confirmed), undo: at, redo: edits.length - at, job: "idle" };
    prepare(track);
    return { details: { ...details, beats, downbeats }, alternatives: alternativeEdits(row) };
  },

  /**
   * Open a corrections file, to which the edits made here will be added. Returns its number of
   * tracks. Throws an Error for any other file.
   */
  addTo(text) {
    const opened = parsedCorrections(text);
    this.base = opened;
    writeStored(`${STORAGE_KEY} opened`, opened);
    for (const [path, { edits }] of Object.entries(opened.tracks)) {
      if (!Array.isArray(edits?.steps) || this.steps[path]?.at) continue;
      this.steps[path] = { edits: edits.steps, at: edits.steps.length, answer: edits.answer };
    }
    writeStored(STORAGE_KEY, this.steps);
    return Object.keys(opened.tracks).length;
  },

  /** The opened corrections file with the edits that were made here. */
  document() {
    const corrections = { ...this.base?.tracks };
    const byPath = new Map(tracks.map((track) => [track.path, track]));
    for (const [path, { edits, at, answer }] of Object.entries(this.steps)) {
      const { edits: before, ...others } = corrections[path] ?? {};
      const track = byPath.get(path);
      const shown = answer ?? shownAnswer(this.analyses.get(track)?.row ?? track);
      if (at) corrections[path] = { ...(track?.fingerprint ? { fingerprint: track.fingerprint } : {}), ...others, edits: { answer: shown, steps: edits.slice(0, at) } };
      else if (before) corrections[path] = others;
    }
    return { ...this.base, schema: "dropgrid/corrections", schema_version: 1, tracks: Object.fromEntries(Object.entries(corrections).sort(([a], [b]) => (a < b ? -1 : 1))) };
  },
};

/** The JSON of a corrections file. Throws an Error for any other text. */
function parsedCorrections(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
  if (found?.schema !== "dropgrid/corrections" || typeof found.tracks !== "object" || found.tracks === null) throw new Error("it is not a corrections file");
  if (found.schema_version !== 1) throw new Error(`it has version ${found.schema_version}, but this page reads version 1`);
  return found;
}

/** Fields that are measured for the sections of the analysis, but not for those that a user drew. */
const UNMEASURED = Object.fromEntries(["energies", "energy", "impact", ...BARS.map(([key]) => key)].map((key) => [key, undefined]));

const rounded = (number) => Number(number.toFixed(6));

/** The answer that a row shows, in the fields of corrections.json; dropgrid compares it with the records. */
function shownAnswer(row) {
  const grid = (row?.grid ?? []).map(([start, bpm, , downbeat]) => ({ start, bpm, ...(downbeat === null ? {} : { one: downbeat }) }));
  const sections = (row?.sections ?? []).map(([start, , label]) => ({ start, label: LABELS[label] }));
  return { grid, sections, drops: row?.drops ?? [], ...(row?.key ? { key: row.key } : {}) };
}

/** The row of a track with a corrected answer. */
function rowOfAnswer(row, answer, { beats, downbeats }) {
  const bar = (time) => Math.max(lastBefore(downbeats, time + 0.01) + 1, 1);
  const sections = answer.sections.map(({ start, label }, i) => {
    const end = answer.sections[i + 1]?.start ?? answer.duration;
    const last = i + 1 < answer.sections.length ? bar(end) : downbeats.length + 1;
    return [start, end, LABELS.indexOf(label), downbeats.length ? bar(start) : null, downbeats.length ? last - bar(start) : null, 1];
  });
  const drops = sections.filter(([, , label], i) => label === DROP && sections[i - 1]?.[2] !== DROP).map(([start]) => start);
  const grid = answer.grid.map(({ start, bpm, downbeat, hasBars }) => [start, bpm, beats.length, hasBars ? downbeat : null]);
  const mainTempo = answer.grid[0]?.bpm ?? row.bpm;
  return {
    ...row,
    ...(answer.corrected.grid ? { grid, bpm: rounded(mainTempo), fitted: undefined, interval: undefined, confidence: 1, confidences: [1, 1, 1, 1], source: "corrected", signature: `${answer.grid[0].beatsPerBar}/4` } : {}),
    ...(answer.corrected.grid || answer.corrected.sections ? { sections, drops, ...UNMEASURED } : {}),
    ...(answer.corrected.key ? { key: answer.key, camelot: library.keys[answer.key] } : {}),
  };
}

/** The alternatives of the analysis, as edits with a label and a probability. */
function alternativeEdits(track) {
  const tempos = (track.alternatives ?? []).map(([bpm, share]) => {
    const octave = { 0.5: "half", 2: "double" }[Number((bpm / track.bpm).toFixed(3))];
    return { label: octave ? `${octave} tempo, ${bpmText(bpm)}` : `${bpmText(bpm)} BPM`, confidence: share, edit: octave ? { op: octave } : { op: "bpm", bpm } };
  });
  const shifts = (track.shifts ?? []).map(([beats, share, kind]) => ({
    label: kind === "phase" ? shiftText(beats) : `downbeat ${shiftText(beats)}`, confidence: share, edit: { op: kind === "phase" ? "shift" : "one", beats },
  }));
  return [...tempos, ...shifts].sort((a, b) => b.confidence - a.confidence);
}

function shiftText(beats) {
  const size = Math.abs(beats);
  return `${size === 0.5 ? "half a beat" : size === 1 ? "a beat" : `${size} beats`} ${beats > 0 ? "later" : "earlier"}`;
}
