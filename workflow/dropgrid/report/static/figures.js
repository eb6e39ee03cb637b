// Numbers of an evaluation: a value with its interval.

import { make } from "./dom.js";

const MIN_FOR_INTERVAL = 10; // references; with fewer, the interval is not shown

export const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

const answered = (e) => (e.answered_tracks !== undefined && e.answered_tracks !== null && e.answered_tracks !== e.tracks ? ` (${figure(e.answered)} of the ${e.answered_tracks} answered)` : "");
export const between = (e) => (e.low === null || e.low === undefined || (e.tracks ?? MIN_FOR_INTERVAL) < MIN_FOR_INTERVAL ? "" : `[${figure(e.low)}, ${figure(e.high)}]`) + answered(e);

/** Plots as figures: [alternative text, address] each. */
export const figures = (plots) => make("div", { class: "plots" }, ...plots.map(([alt, src]) => make("figure", {}, make("img", { src, alt }))));

/** A cell with a value and its interval. */
export function estimate(e) {
  return e ? [figure(e.value), make("small", {}, ` ${between(e)}`)] : ["–"];
}
