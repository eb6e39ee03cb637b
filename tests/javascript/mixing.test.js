import assert from "node:assert/strict";
import { test } from "node:test";

import { courseLines, moved } from "../../workflow/dropgrid/report/static/set_order.js";
import { speeds, wavOf } from "../../workflow/dropgrid/report/static/transition_sound.js";

const steady = (bpm, from, count) => Array.from({ length: count }, (_, i) => from + (60 * i) / bpm);

/** How far the beats of the next track lie from those of the first, played at such speeds. */
function apart({ first, second }, found) {
  let [at, worst] = [second[0], 0];
  for (let i = 0; i + 1 < first.length; i++) {
    const rate = found.findLast(([beat]) => beat <= i)[1];
    at += rate * (first[i + 1] - first[i]);
    worst = Math.max(worst, Math.abs(at - second[i + 1]));
  }
  return worst;
}

test("two steady tracks need one speed", () => {
  const aligned = { first: steady(128, 30, 97), second: steady(126, 2, 97) };
  const found = speeds(aligned);
  assert.equal(found.length, 1);
  assert.ok(Math.abs(found[0][1] - 128 / 126) < 1e-6 && apart(aligned, found) < 1e-6);
});

test("rounded beats need no new speed, drifting ones get it in time", () => {
  const rounded = { first: steady(128, 30, 97).map((time) => Number(time.toFixed(4))), second: steady(126, 2, 97) };
  assert.equal(speeds(rounded).length, 1);
  let time = 2;
  const second = Array.from({ length: 97 }, (_, i) => (time += 0.47 * (1 + 0.02 * Math.sin(i / 5))));
  const aligned = { first: steady(128, 30, 97), second };
  const found = speeds(aligned);
  assert.ok(found.length > 3 && apart(aligned, found) < 0.0005);
});

test("samples become a WAV of 16 bits", () => {
  const data = new DataView(wavOf([Float32Array.of(0, 1, -1.5), Float32Array.of(0.5, 0, 0)], 44100));
  const text = (at) => String.fromCharCode(...new Uint8Array(data.buffer, at, 4));
  assert.deepEqual([text(0), text(8), text(36)], ["RIFF", "WAVE", "data"]);
  assert.deepEqual([data.byteLength, data.getUint32(24, true), data.getUint32(40, true)], [56, 44100, 12]);
  assert.deepEqual([0, 1, 2].map((i) => data.getInt16(44 + 4 * i, true)), [0, 32767, -32768]);
  assert.equal(data.getInt16(46, true), 16384);
});

test("a track is moved, never lost", () => {
  assert.deepEqual(moved(["a", "b", "c"], "a", 2), ["b", "c", "a"]);
  assert.deepEqual(moved(["a", "b", "c"], "c", -1), ["c", "a", "b"]);
  assert.deepEqual(moved(["a", "b", "c"], "b", 9), ["a", "c", "b"]);
  assert.deepEqual(moved(["a", "b"], "x", 0), ["a", "b"]);
});

test("the course of the key goes the shorter way around the wheel", () => {
  const { energy, keys } = courseLines([{ camelot: "11A", energy: 0.2 }, { camelot: "12A" }, { camelot: "1A", energy: 0.8 }, { camelot: "5B", keyUnsure: true }]);
  assert.deepEqual(energy, [[0, 0.2], [2 / 3, 0.8]]);
  assert.deepEqual(keys, [[0, 0, "11A"], [1 / 3, 0.5, "12A"], [2 / 3, 1, "1A"]]);
});
