// What is typed in the search, as a test of a track. docs/page.md says it in words.

import { folded } from "./text.js";

const RANGE = /^(\d+(?:\.\d+)?)[-–](\d+(?:\.\d+)?)$/;
const NUMBER = /^(<=|>=|<|>|=)?(\d+:\d\d|\d+(?:\.\d+)?)$/;

/** A search as a test of a track: every word must fit. octaves: ranges of BPM take half and double too. */
export function query(text, octaves) {
  const tests = folded(text).split(/\s+/).filter(Boolean).map((word) => fits(word, octaves));
  return (track) => tests.every((test) => test(track));
}

/**
 * The test of one word: 120-130 is a range of BPM, >130 and =140 compare, >6:00 compares lengths,
 * and 140 finds 140, 70 and 280 BPM beside the names that hold it.
 */
function fits(word, octaves) {
  const [, low, high] = RANGE.exec(word) ?? [];
  if (low) return (track) => inTempo(track, Number(low), Number(high), octaves) || track.text.includes(word);
  const [, sign = "", amount] = NUMBER.exec(word) ?? [];
  if (!amount || (!sign && amount.includes(":"))) return (track) => track.text.includes(word) || track.id === word;
  const timed = amount.includes(":");
  const value = timed ? amount.split(":").reduce((minutes, seconds) => 60 * minutes + Number(seconds), 0) : Number(amount);
  const reach = timed ? 1 : 0.5 / 10 ** (amount.split(".")[1]?.length ?? 0); // 140: what rounds to it
  const of = (track) => (timed ? track.duration : track.bpm);
  const near = (track, found) => found >= value - reach && found < value + reach;
  return {
    "": (track) => [1, 0.5, 2].some((factor) => near(track, track.bpm * factor)) || track.text.includes(word),
    "=": (track) => near(track, of(track)),
    "<": (track) => of(track) < value,
    ">": (track) => of(track) > value,
    "<=": (track) => of(track) <= value,
    ">=": (track) => of(track) >= value,
  }[sign];
}

/** Whether a track's tempo lies in a range; where half and double count, either of them. */
export function inTempo({ bpm }, low, high, octaves) {
  return (octaves ? [bpm, bpm / 2, bpm * 2] : [bpm]).some((tempo) => tempo >= low && tempo <= high);
}
