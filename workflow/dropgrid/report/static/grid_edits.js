// What an edit does to a track's answer: grid, sections, confirmation. Pure; see docs/page.md.
//
// An answer is {duration, reach: [first, last beat], grid: [{start, bpm, downbeat, beatsPerBar}],
// sections: [{start, label}], barLines, corrected: {grid, sections, key...}}; a grid entry without
// bars has hasBars false, and `downbeat` is then one of its beats. The workbench's server accepts
// the same edits: {op: "shift", beats: 0.5}.

import { LABELS } from "./labels.js";
import { nearestOf } from "./times.js";

const EDGE = 0.03; // s: a beat this little before the first sample counts as at the first sample
const REACH = 0.45; // of a beat: how far a moved grid extends beyond the beats that were found
const MIN_BPM = 20;
const MAX_BPM = 400;
const beatLength = (entry) => 60 / entry.bpm; // s

/** The answer of the analysis. */
export function analysed(track, { beats, downbeats }) {
  const beatsPerBar = Number((track.signature ?? "4/4").split("/")[0]) || 4;
  const grid = (track.grid ?? []).map(([start, bpm, , downbeat]) => ({ start, bpm, downbeat: downbeat === null ? start : unclippedDownbeat(downbeat, downbeats), beatsPerBar, hasBars: downbeat !== null }));
  const sections = (track.sections ?? []).map(([start, , label]) => ({ start, label: LABELS[label] }));
  return { duration: track.duration, reach: beats.length ? [beats[0], beats.at(-1)] : [0, track.duration], grid, sections, barLines: downbeats, corrected: {} };
}

/** A downbeat at 0 may have been clipped from a little earlier, so the next downbeat is used. */
const unclippedDownbeat = (downbeat, downbeats) => (downbeat <= 1e-9 && downbeats.length > 1 ? downbeats[1] : downbeat);

/** The index of the grid entry that covers a time. */
const entryAt = (grid, time) => Math.max(grid.findLastIndex((entry) => entry.start <= time + 1e-6), 0);

/** The beats and downbeats of an answer. */
export function beatsOf({ grid, reach, duration }) {
  const [beats, downbeats] = [[], []];
  for (const [i, entry] of grid.entries()) {
    const step = beatLength(entry);
    const from = i ? entry.start - step / 4 : reach[0] - REACH * step;
    const to = Math.min(i + 1 < grid.length ? grid[i + 1].start - step / 4 : reach[1] + REACH * step, duration);
    for (let n = Math.ceil((Math.max(from, -EDGE) - entry.downbeat) / step); entry.downbeat + n * step < to; n++) {
      const time = Math.max(entry.downbeat + n * step, 0);
      beats.push(time);
      if (n % entry.beatsPerBar === 0 && entry.hasBars) downbeats.push(time);
    }
  }
  return { beats, downbeats };
}

/** A grid whose entries move by offsetOf(entry) seconds; the first downbeat stays in the recording. */
function movedGrid(grid, offsetOf) {
  return grid.map((entry, i) => {
    const offset = offsetOf(entry);
    const bar = entry.beatsPerBar * beatLength(entry);
    let downbeat = entry.downbeat + offset;
    if (downbeat < 0) downbeat += bar * Math.ceil(-downbeat / bar);
    return { ...entry, downbeat, start: i ? Math.max(entry.start + offset, 0) : entry.start };
  });
}

/** The tempo of taps: the current one or its octave if they are close to it, else rounded. */
function tappedTempo(times, bpm) {
  const tapped = (60 * (times.length - 1)) / (times.at(-1) - times[0]);
  const octave = [1, 0.5, 2].find((factor) => bpm && Math.abs(tapped / (bpm * factor) - 1) <= 0.04);
  return octave ? bpm * octave : Math.round(tapped);
}

/**
 * An entry with the tempo and phase of two beats far apart; the beats between them are counted at
 * the current tempo. one: the earlier anchor is a downbeat.
 */
function anchoredEntry(entry, { first, second, one: isDownbeat }, downbeats) {
  const [low, high] = [Math.min(first, second), Math.max(first, second)];
  const count = Math.round(((high - low) * entry.bpm) / 60);
  if (count < 1) throw new Error("The two anchors are less than a beat apart.");
  const bpm = roundedTempo((60 * count) / (high - low), high - low);
  const step = 60 / bpm;
  const downbeat = isDownbeat ? low : low + Math.round((nearestOf(downbeats, low) - low) / step) * step;
  return { ...entry, bpm, hasBars: entry.hasBars || isDownbeat, downbeat };
}

/** A measured tempo, rounded to a whole or half BPM that the anchors' 10 ms cannot rule out. */
function roundedTempo(bpm, seconds) {
  const tolerance = Math.min((bpm * 0.01) / seconds, 0.2);
  return [Math.round(bpm), Math.round(2 * bpm) / 2].find((rounded) => Math.abs(bpm - rounded) <= tolerance) ?? bpm;
}

const EDITS = {
  half: (answer) => ({ grid: answer.grid.map((entry) => ({ ...entry, bpm: entry.bpm / 2 })) }),
  double: (answer) => ({ grid: answer.grid.map((entry) => ({ ...entry, bpm: entry.bpm * 2 })) }),
  bpm: (answer, { bpm }) => ({ grid: [{ start: 0, downbeat: 0, beatsPerBar: 4, hasBars: true, ...answer.grid[0], bpm }] }),
  shift: (answer, { beats }) => ({ grid: movedGrid(answer.grid, (entry) => beats * beatLength(entry)) }),
  nudge: (answer, { ms }) => ({ grid: movedGrid(answer.grid, () => ms / 1000) }),
  one: (answer, { beats }) => ({ grid: answer.grid.map((entry) => ({ ...entry, downbeat: movedGrid([entry], () => beats * beatLength(entry))[0].downbeat })) }),
  at: (answer, { time }) => {
    const at = entryAt(answer.grid, time);
    return { grid: answer.grid.map((entry, i) => (i === at ? { ...entry, downbeat: time, hasBars: true } : entry)) };
  },
  beat_at: (answer, { time }) => {
    const at = entryAt(answer.grid, time);
    const offset = time - nearestOf(beatsOf(answer).beats, time);
    return { grid: answer.grid.map((entry, i) => (i === at ? movedGrid([entry], () => offset)[0] : entry)) };
  },
  anchors: (answer, edit) => {
    const at = entryAt(answer.grid, Math.min(edit.first, edit.second));
    return { grid: answer.grid.map((entry, i) => (i === at ? anchoredEntry(entry, edit, beatsOf(answer).downbeats) : entry)) };
  },
  tap: (answer, { times }) => EDITS.bpm(answer, { bpm: tappedTempo(times, answer.grid[0]?.bpm) }),
  beats_per_bar: (answer, { beats }) => ({ grid: answer.grid.map((entry) => ({ ...entry, beatsPerBar: beats })) }),
  boundary: (answer, { from, to }) => {
    const at = boundaryNear(answer, from);
    const [low, high] = [answer.sections[at - 1].start, answer.sections[at + 1]?.start ?? answer.duration];
    const start = nearestOf(answer.barLines.filter((line) => line > low && line < high), to);
    if (!(start > low && start < high)) throw new Error("There is no bar line between the neighbouring boundaries.");
    return { sections: answer.sections.map((section, i) => (i === at ? { ...section, start } : section)) };
  },
  label: (answer, { at, label }) => {
    const index = answer.sections.findLastIndex((section) => section.start <= at);
    return { sections: answer.sections.map((section, i) => (i === index ? { ...section, label } : section)) };
  },
  split: (answer, { at, label }) => {
    const start = nearestOf(answer.barLines, at);
    const index = answer.sections.findLastIndex((section) => section.start <= start);
    if (index < 0 || answer.sections[index].start === start) throw new Error("A section already begins there.");
    return { sections: answer.sections.toSpliced(index + 1, 0, { start, label: label ?? answer.sections[index].label }) };
  },
  join: (answer, { at }) => ({ sections: answer.sections.toSpliced(boundaryNear(answer, at), 1) }),
  key: (answer, { key }) => ({ key }),
  confirm: () => ({ confirmed: true }),
  unconfirm: () => ({ confirmed: false }),
};

/** The boundary nearest to a time, as the index of the section that begins there. */
function boundaryNear({ sections }, time) {
  if (sections.length < 2) throw new Error("There is no boundary.");
  const starts = sections.slice(1).map((section) => section.start);
  return 1 + starts.indexOf(nearestOf(starts, time));
}

/** The answer after an edit. Throws an Error with the reason if the edit is not possible. */
export function edited(answer, edit) {
  const change = EDITS[edit.op](answer, edit);
  if ("grid" in change) checkGrid(change.grid);
  const confirmed = change.confirmed ?? false; // any other edit changes the confirmed answer
  const corrected = { ...answer.corrected, ...Object.fromEntries(Object.keys(change).map((name) => [name, true])) };
  const result = { ...answer, ...change, confirmed, corrected };
  return "grid" in change ? snappedToBars(result) : result;
}

/** Throws an Error for a grid without beats or with a tempo out of range. */
function checkGrid(grid) {
  if (!grid.length) throw new Error("The track has no beats; set a tempo first.");
  if (grid.some(({ bpm }) => !(bpm >= MIN_BPM && bpm <= MAX_BPM))) throw new Error(`The tempo must be between ${MIN_BPM} and ${MAX_BPM} BPM.`);
}

/** An answer whose sections begin on the bar lines of its grid. */
function snappedToBars(answer) {
  const barLines = beatsOf(answer).downbeats;
  const starts = new Map();
  for (const [i, section] of answer.sections.entries()) starts.set(i ? nearestOf(barLines, section.start) : 0, section.label);
  return { ...answer, barLines, sections: [...starts].sort(([a], [b]) => a - b).map(([start, label]) => ({ start, label })) };
}
