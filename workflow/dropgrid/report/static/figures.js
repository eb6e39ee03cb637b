// Numbers of an evaluation: a value with its interval.

import { make } from "./dom.js";

export const FEW = 10; // references: below, an interval says too little to be shown

export const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

const answered = (e) => (e.answered_tracks !== undefined && e.answered_tracks !== null && e.answered_tracks !== e.tracks ? ` (${figure(e.answered)} of the ${e.answered_tracks} answered)` : "");
export const between = (e) => (e.low === null || e.low === undefined || (e.tracks ?? FEW) < FEW ? "" : `[${figure(e.low)}, ${figure(e.high)}]`) + answered(e);

/** A cell of value and interval. */
export function estimate(e) {
  return e ? [figure(e.value), make("small", {}, ` ${between(e)}`)] : ["–"];
}
