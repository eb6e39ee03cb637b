import assert from "node:assert/strict";
import { test } from "node:test";

import { bpmText, clock, count, exactClock, folded, titled } from "../../workflow/dropgrid/report/static/text.js";
import { comingBeats, lastBefore, nearestOf, shownAround } from "../../workflow/dropgrid/report/static/times.js";

test("a clock rounds and carries over", () => {
  assert.equal(clock(59.6), "1:00");
  assert.equal(clock(59.96, true), "1:00.0");
  assert.equal(clock(61.04, true), "1:01.0");
  assert.equal(clock(undefined), "");
  assert.equal(exactClock(62.346, 2), "1:02.35");
  assert.equal(exactClock(119.999, 2), "2:00.00");
});

test("numbers have their words", () => {
  assert.equal(count(1, "track"), "1 track");
  assert.equal(count(20000, "track"), "20,000 tracks");
  assert.equal(bpmText(128), "128.00");
  assert.equal(bpmText(null), "");
  assert.equal(titled("buildup"), "Buildup");
  assert.equal(folded("Två Vänner ☾"), "tva vanner ☾");
});

test("times are found in a list", () => {
  const times = [1, 2, 3];
  assert.deepEqual([0.9, 1, 1.5, 3, 9].map((time) => lastBefore(times, time)), [-1, 0, 0, 2, 2]);
  assert.equal(nearestOf(times, 2.4), 2);
  assert.equal(nearestOf([], 2.4), 2.4);
});

const BEATS = { beats: [0, 0.5, 1, 1.5, 2, 2.5], downbeats: [0, 2] };

test("clicks that are due come at their beats, the downbeat marked", () => {
  const found = comingBeats({ track: 0.9, context: 10 }, 11.3, BEATS, 1, null, 3);
  assert.deepEqual(found.map(([time, downbeat]) => [Number(time.toFixed(6)), downbeat]), [[10.1, false], [10.6, false], [11.1, true]]);
});

test("clicks follow the speed, and the loop back to its beginning", () => {
  const slow = comingBeats({ track: 0.9, context: 10 }, 11.3, BEATS, 0.5, null, 3);
  assert.deepEqual(slow.map(([time]) => Number(time.toFixed(6))), [10.2, 11.2]);
  const looped = comingBeats({ track: 0.9, context: 10 }, 11.3, BEATS, 1, [0.5, 1.5], 3);
  assert.deepEqual(looped.map(([time]) => Number(time.toFixed(6))), [10.1, 10.6, 11.1]);
});

test("the position is in the middle of what is shown, but near the ends of the track", () => {
  assert.deepEqual(shownAround(50, 8, 100), [46, 54]);
  assert.deepEqual(shownAround(0, 8, 100), [0, 8]);
  assert.deepEqual(shownAround(99, 8, 100), [92, 100]);
  assert.deepEqual(shownAround(3, 8, 6), [-1, 7]);
});
