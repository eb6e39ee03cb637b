// What an edit does to a track's answer: grid, sections, confirmation. Pure; see docs/page.md.
//
// An answer is {duration, reach: [first, last beat], grid: [{start, bpm, one, beats}], sections:
// [{start, label}], stated: {grid, sections, key...}}, beats being those of a bar. An edit is what
// the workbench's server takes too: {op: "shift", beats: 0.5}.

import { LABELS } from "./labels.js";
import { nearestOf } from "./times.js";

const EDGE = 0.03; // s: a beat so little before the first sample falls on it
const REACH = 0.45; // of a beat: how far a moved grid reaches beyond the beats that were found
const SLOWEST = 20; // BPM
const FASTEST = 400;
const beatOf = (entry) => 60 / entry.bpm;

/** The answer of the analysis. */
export function analysed(track, { beats, downbeats }) {
  const length = Number((track.signature ?? "4/4").split("/")[0]) || 4;
  const grid = (track.grid ?? []).map(([start, bpm, , one]) => ({ start, bpm, one: one === null ? start : sureOne(one, downbeats), beats: length, noOne: one === null }));
  const sections = (track.sections ?? []).map(([start, , label]) => ({ start, label: LABELS[label] }));
  return { duration: track.duration, reach: beats.length ? [beats[0], beats.at(-1)] : [0, track.duration], grid, sections, lines: downbeats, stated: {} };
}

/** A one at 0 may stand for one that is a little earlier, so the next one is taken. */
const sureOne = (one, downbeats) => (one <= 1e-9 && downbeats.length > 1 ? downbeats[1] : one);

/** The entry of a grid that rules at a time. */
const ruling = (grid, time) => Math.max(grid.findLastIndex((entry) => entry.start <= time + 1e-6), 0);

/** The beats and downbeats of an answer. */
export function beatsOf({ grid, reach, duration }) {
  const [beats, downbeats] = [[], []];
  for (const [i, entry] of grid.entries()) {
    const step = beatOf(entry);
    const from = i ? entry.start - step / 4 : reach[0] - REACH * step;
    const to = Math.min(i + 1 < grid.length ? grid[i + 1].start - step / 4 : reach[1] + REACH * step, duration);
    for (let n = Math.ceil((Math.max(from, -EDGE) - entry.one) / step); entry.one + n * step < to; n++) {
      const time = Math.max(entry.one + n * step, 0);
      beats.push(time);
      if (n % entry.beats === 0 && !entry.noOne) downbeats.push(time);
    }
  }
  return { beats, downbeats };
}

/** A grid moved by seconds of its own; the first downbeat stays within the recording. */
function movedGrid(grid, seconds) {
  return grid.map((entry, i) => {
    const by = seconds(entry);
    const bar = entry.beats * beatOf(entry);
    let one = entry.one + by;
    if (one < 0) one += bar * Math.ceil(-one / bar);
    return { ...entry, one, start: i ? Math.max(entry.start + by, 0) : entry.start };
  });
}

/** The tempo that taps mean: the present one or its octave if they are near it, else a whole one. */
function tappedTempo(times, bpm) {
  const heardTempo = (60 * (times.length - 1)) / (times.at(-1) - times[0]);
  const octave = [1, 0.5, 2].find((factor) => bpm && Math.abs(heardTempo / (bpm * factor) - 1) <= 0.04);
  return octave ? bpm * octave : Math.round(heardTempo);
}

/** Tempo and one of two beats far apart, the beats between counted by the present tempo. */
function anchoredEntry(entry, { first, second, one }, downbeats) {
  const [low, high] = [Math.min(first, second), Math.max(first, second)];
  const number = Math.round(((high - low) * entry.bpm) / 60);
  if (number < 1) throw new Error("The two anchors are nearer to each other than a beat.");
  let bpm = (60 * number) / (high - low);
  const near = [Math.round(bpm), Math.round(2 * bpm) / 2].find((whole) => Math.abs(bpm - whole) <= Math.min((bpm * 0.01) / (high - low), 0.2));
  bpm = near ?? bpm;
  const step = 60 / bpm;
  return { ...entry, bpm, noOne: entry.noOne && !one, one: one ? low : low + Math.round((nearestOf(downbeats, low) - low) / step) * step };
}

const EDITS = {
  half: (answer) => ({ grid: answer.grid.map((entry) => ({ ...entry, bpm: entry.bpm / 2 })) }),
  double: (answer) => ({ grid: answer.grid.map((entry) => ({ ...entry, bpm: entry.bpm * 2 })) }),
  bpm: (answer, { bpm }) => ({ grid: [{ start: 0, one: 0, beats: 4, ...answer.grid[0], bpm }] }),
  shift: (answer, { beats }) => ({ grid: movedGrid(answer.grid, (entry) => beats * beatOf(entry)) }),
  nudge: (answer, { ms }) => ({ grid: movedGrid(answer.grid, () => ms / 1000) }),
  one: (answer, { beats }) => ({ grid: answer.grid.map((entry) => ({ ...entry, one: movedGrid([entry], () => beats * beatOf(entry))[0].one })) }),
  at: (answer, { time }) => {
    const at = ruling(answer.grid, time);
    return { grid: answer.grid.map((entry, i) => (i === at ? { ...entry, one: time, noOne: false } : entry)) };
  },
  beat_at: (answer, { time }) => {
    const at = ruling(answer.grid, time);
    const by = time - nearestOf(beatsOf(answer).beats, time);
    return { grid: answer.grid.map((entry, i) => (i === at ? movedGrid([entry], () => by)[0] : entry)) };
  },
  anchors: (answer, edit) => {
    const at = ruling(answer.grid, Math.min(edit.first, edit.second));
    return { grid: answer.grid.map((entry, i) => (i === at ? anchoredEntry(entry, edit, beatsOf(answer).downbeats) : entry)) };
  },
  tap: (answer, { times }) => EDITS.bpm(answer, { bpm: tappedTempo(times, answer.grid[0]?.bpm) }),
  beats_per_bar: (answer, { beats }) => ({ grid: answer.grid.map((entry) => ({ ...entry, beats })) }),
  boundary: (answer, { from, to }) => {
    const at = boundaryNear(answer, from);
    const [low, high] = [answer.sections[at - 1].start, answer.sections[at + 1]?.start ?? answer.duration];
    const start = nearestOf(answer.lines.filter((line) => line > low && line < high), to);
    if (!(start > low && start < high)) throw new Error("There is no bar line between its neighbours.");
    return { sections: answer.sections.map((section, i) => (i === at ? { ...section, start } : section)) };
  },
  label: (answer, { at, label }) => {
    const held = answer.sections.findLastIndex((section) => section.start <= at);
    return { sections: answer.sections.map((section, i) => (i === held ? { ...section, label } : section)) };
  },
  split: (answer, { at, label }) => {
    const start = nearestOf(answer.lines, at);
    const held = answer.sections.findLastIndex((section) => section.start <= start);
    if (held < 0 || answer.sections[held].start === start) throw new Error("A section begins there already.");
    return { sections: answer.sections.toSpliced(held + 1, 0, { start, label: label ?? answer.sections[held].label }) };
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

/** The answer after an edit. Throws an Error that says what is wrong with it. */
export function edited(answer, edit) {
  const said = EDITS[edit.op](answer, edit);
  if ("grid" in said) {
    if (!said.grid.length) throw new Error("The track has no beats; set a tempo first.");
    if (said.grid.some(({ bpm }) => !(bpm >= SLOWEST && bpm <= FASTEST))) throw new Error(`A tempo lies between ${SLOWEST} and ${FASTEST} BPM.`);
  }
  const confirmed = said.confirmed ?? false; // what was confirmed is no longer the answer
  const made = { ...answer, ...said, confirmed, stated: { ...answer.stated, ...Object.fromEntries(Object.keys(said).map((name) => [name, true])) } };
  return "grid" in said ? onNewBars(made) : made;
}

/** An answer whose sections begin on the bar lines of its grid. */
function onNewBars(answer) {
  const lines = beatsOf(answer).downbeats;
  const starts = new Map();
  for (const [i, section] of answer.sections.entries()) starts.set(i ? nearestOf(lines, section.start) : 0, section.label);
  return { ...answer, lines, sections: [...starts].sort(([a], [b]) => a - b).map(([start, label]) => ({ start, label })) };
}
