// The text of the search, as a test of a track. docs/page.md describes it.

import { folded } from "./text.js";

const RANGE = /^(\d+(?:\.\d+)?)[-–](\d+(?:\.\d+)?)$/;
const NUMBER = /^(<=|>=|<|>|=)?(\d+:\d\d|\d+(?:\.\d+)?)$/;

/** A search as a test of a track: every word must match. octaves: BPM ranges include half and double tempo. */
export function query(text, octaves) {
  const tests = folded(text).split(/\s+/).filter(Boolean).map((word) => wordTest(word, octaves));
  return (track) => tests.every((test) => test(track));
}

/**
 * The test of a word: 120-130 is a range of BPM, >130 and =140 compare, >6:00 compares lengths,
 * and 140 finds 140, 70 and 280 BPM and names that contain it.
 */
function wordTest(word, octaves) {
  const [, low, high] = RANGE.exec(word) ?? [];
  if (low) return (track) => inTempo(track, Number(low), Number(high), octaves) || track.text.includes(word);
  const [, sign = "", amount] = NUMBER.exec(word) ?? [];
  if (!amount || (!sign && amount.includes(":"))) return (track) => track.text.includes(word) || track.id === word;
  const timed = amount.includes(":");
  const value = timed ? amount.split(":").reduce((minutes, seconds) => 60 * minutes + Number(seconds), 0) : Number(amount);
  const tolerance = timed ? 1 : 0.5 / 10 ** (amount.split(".")[1]?.length ?? 0); // 140: all that rounds to it
  const valueOf = (track) => (timed ? track.duration : track.bpm);
  const isNear = (found) => found >= value - tolerance && found < value + tolerance;
  return {
    "": (track) => [1, 0.5, 2].some((factor) => isNear(track.bpm * factor)) || track.text.includes(word),
    "=": (track) => isNear(valueOf(track)),
    "<": (track) => valueOf(track) < value,
    ">": (track) => valueOf(track) > value,
    "<=": (track) => valueOf(track) <= value,
    ">=": (track) => valueOf(track) >= value,
  }[sign];
}

/** Whether a track's tempo is in a range. octaves: or half or double the tempo is. */
export function inTempo({ bpm }, low, high, octaves) {
  return (octaves ? [bpm, bpm / 2, bpm * 2] : [bpm]).some((tempo) => tempo >= low && tempo <= high);
}
