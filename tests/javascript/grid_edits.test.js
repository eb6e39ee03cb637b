import assert from "node:assert/strict";
import { test } from "node:test";

import { analysed, beatsOf, edited } from "../../workflow/dropgrid/report/static/grid_edits.js";

// 120 BPM, downbeats every 2 s from 0.25 s, two sections.
const beats = Array.from({ length: 40 }, (_, i) => 0.25 + i / 2);
const downbeats = beats.filter((_, i) => i % 4 === 0);
const track = { duration: 21, grid: [[0.25, 120, 40, 0.25]], signature: "4/4", sections: [[0, 8.25, 0, 1, 4, 0.9], [8.25, 21, 2, 5, 6, 0.9]] };
const before = analysed(track, { beats, downbeats });

const close = (found, wanted) => {
  assert.equal(found.length, wanted.length);
  for (const [i, time] of found.entries()) assert.ok(Math.abs(time - wanted[i]) < 1e-9, `${i}: ${time} is not ${wanted[i]}`);
};

test("the answer of the analysis has its beats", () => {
  const found = beatsOf(before);
  close(found.beats, beats);
  close(found.downbeats, downbeats);
});

test("half and double", () => {
  assert.equal(beatsOf(edited(before, { op: "half" })).beats.length, 20);
  const doubled = beatsOf(edited(before, { op: "double" }));
  assert.ok(doubled.beats.length >= 79 && Math.abs(doubled.beats[2] - doubled.beats[1] - 0.25) < 1e-9);
});

test("a shift by half a beat moves every beat", () => {
  const found = beatsOf(edited(before, { op: "shift", beats: 0.5 }));
  assert.ok(Math.abs(found.downbeats[0] - 0.5) < 1e-9);
  close(found.beats.slice(0, 3), [0.5, 1, 1.5]); // the one at 0 is before the beats that were found
});

test("a nudge is of milliseconds", () => {
  assert.ok(Math.abs(beatsOf(edited(before, { op: "nudge", ms: -10 })).beats[0] - 0.24) < 1e-9);
});

test("the downbeat moves by beats, or to the cursor", () => {
  close(beatsOf(edited(before, { op: "one", beats: 1 })).downbeats.slice(0, 2), [0.75, 2.75]);
  assert.ok(beatsOf(edited(before, { op: "at", time: 3.1 })).downbeats.some((time) => Math.abs(time - 3.1) < 1e-9));
});

test("two anchors give a tempo; near a round one it is that", () => {
  const answer = edited(before, { op: "anchors", first: 1, second: 1 + (16 * 60) / 121.001, one: true });
  assert.equal(answer.grid[0].bpm, 121);
  assert.equal(answer.grid[0].downbeat, 1);
  assert.throws(() => edited(before, { op: "anchors", first: 1, second: 1.1 }), /less than a beat apart/);
});

test("taps keep the tempo or its octave, else give a whole one", () => {
  const taps = (bpm) => Array.from({ length: 6 }, (_, i) => (60 * i) / bpm);
  assert.equal(edited(before, { op: "tap", times: taps(121.5) }).grid[0].bpm, 120);
  assert.equal(edited(before, { op: "tap", times: taps(61) }).grid[0].bpm, 60);
  assert.equal(edited(before, { op: "tap", times: taps(97.2) }).grid[0].bpm, 97);
});

test("a tempo out of reach is refused", () => {
  assert.throws(() => edited(before, { op: "bpm", bpm: 900 }), /between 20 and 400/);
  assert.throws(() => edited({ ...before, grid: [] }, { op: "half" }), /no beats/);
});

test("sections are split, moved, labelled and joined on bar lines", () => {
  const split = edited(before, { op: "split", at: 4.4 });
  assert.deepEqual(split.sections.map(({ start }) => start), [0, 4.25, 8.25]);
  const moved = edited(split, { op: "boundary", from: 8.2, to: 12.6 });
  assert.deepEqual(moved.sections.map(({ start }) => start), [0, 4.25, 12.25]);
  assert.equal(edited(moved, { op: "label", at: 5, label: "main" }).sections[1].label, "main");
  assert.equal(edited(moved, { op: "join", at: 4 }).sections.length, 2);
  assert.throws(() => edited(before, { op: "split", at: 8.3 }), /already begins there/);
});

test("sections follow the bar lines of a moved downbeat", () => {
  assert.deepEqual(edited(before, { op: "one", beats: 1 }).sections.map(({ start }) => start), [0, 8.75]);
});

test("an edit takes a confirmation back", () => {
  const confirmed = edited(before, { op: "confirm" });
  assert.equal(confirmed.confirmed, true);
  assert.equal(edited(confirmed, { op: "nudge", ms: 1 }).confirmed, false);
  assert.deepEqual(Object.keys(edited(confirmed, { op: "key", key: "F minor" }).corrected).sort(), ["confirmed", "key"]);
});
