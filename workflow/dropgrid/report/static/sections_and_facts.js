// The sections as list, legend and tooltip; and a track's facts.

import { $, make, writeStored, readStored } from "./dom.js";
import { LABELS } from "./labels.js";
import { seek } from "./player.js";
import { runAt, runs } from "./section_runs.js";
import { barsText, bpmText, clock, titled } from "./text.js";
import { camelotText, correctedParts, likelyAlternatives, tracks } from "./tracks.js";
import { UNSURE } from "./verdict.js";

const CERTAIN = 0.95; // confidence of a tempo that needs no check

/** The tooltip of the section at a time. */
export function sectionTooltip(track, time) {
  const run = runAt(track, time);
  if (!run) return "";
  const bars = run.bars ? `, bars ${run.bar}–${run.bar + run.bars - 1}` : "";
  const energy = run.energy === undefined ? "" : `, energy ${run.energy.toFixed(2)}`;
  return `${titled(LABELS[run.label])}, ${clock(run.start, true)} – ${clock(run.end, true)}${bars}${energy}`;
}

/** The fewest letters that distinguish each label: I, Bu, D, Br, O. */
export const SHORT = LABELS.map((label) => {
  const length = [1, 2, 3].find((n) => LABELS.filter((other) => other.slice(0, n) === label.slice(0, n)).length === 1);
  return titled(label.slice(0, length ?? label.length));
});

/** Show the labels that occur in this library, in their colours. */
export function startLegend() {
  const used = LABELS.map((_, i) => tracks.some((track) => track.sections?.some((section) => section[2] === i)));
  for (const [i, label] of LABELS.entries()) {
    if (used[i]) $("legend").append(make("li", {}, swatch(i), titled(label)));
  }
}

function swatch(label) {
  const element = make("i", { class: "swatch", "aria-hidden": "true" });
  element.style.background = `var(--${LABELS[label]})`;
  return element;
}

export function sectionList(track) {
  if (!track.sections?.length) return make("p", { class: "deck-none" }, "No sections were found.");
  const starts = (track.refSections ?? []).map((s) => s[0]);
  const head = ["Section", "Start", "Bars", ...(track.energies ? ["Energy"] : []), "Conf.", ...(starts.length ? ["Δ ref."] : [])];
  const rows = runs(track).map((run, i) => {
    const name = make("button", { class: "section-name", onclick: () => seek(run.start) }, swatch(run.label), titled(LABELS[run.label]));
    const parts = run.parts.length > 1 ? run.parts.map((part) => part.bars ?? clock(part.end - part.start)).join(" + ") : null;
    const energy = track.energies ? [[run.energy.toFixed(2)]] : [];
    const cells = [[clock(run.start, true)], [run.bars ?? "–", parts], ...energy, [run.confidence.toFixed(2)]];
    if (starts.length) cells.push([distance(run.start, starts)]);
    return make("tr", { "data-section": i }, make("td", {}, name), ...cells.map(([text, note]) => make("td", { class: "number", title: note && `consists of ${note}` }, String(text))));
  });
  const header = make("tr", {}, ...head.map((name) => make("th", { scope: "col", title: name === "Δ ref." ? "Seconds to the nearest boundary of the reference" : null }, name)));
  return make("div", { class: "sections", tabindex: 0, role: "region", "aria-label": "Sections" }, make("table", {}, make("thead", {}, header), make("tbody", {}, ...rows)));
}

/** The signed seconds to the nearest of some times. */
function distance(time, times) {
  const off = times.map((t) => time - t).reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
  return signed(off);
}

const signed = (value) => `${value < -0.005 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

/** The facts that a DJ needs; below, collapsed, the numbers for researchers. */
export function facts(track) {
  const change = () => {
    writeStored("details", more.open);
    if (more.open && more.contains(document.activeElement)) more.scrollIntoView({ block: "nearest" });
  };
  const more = make("details", { open: readStored("details") === true, ontoggle: change }, make("summary", {}, "Details"), factList(measurements(track)));
  return make("div", { class: "facts", tabindex: 0, role: "region", "aria-label": "Facts" }, factList(mainFacts(track)), more);
}

function factList(pairs) {
  const rows = pairs.filter(([, value]) => value).map(([name, value, kind]) => make("div", { class: kind }, make("dt", {}, name), make("dd", { class: "number" }, value)));
  return make("dl", {}, ...rows);
}

/** The reliability of a tempo as text. */
export function trustText(track) {
  if (track.confidence === undefined) return "";
  if (track.source === "corrected" || track.state?.confirmed) return "set by you";
  return track.confidence >= CERTAIN ? "certain" : track.confidence >= UNSURE ? "likely" : "unsure, please check";
}

function mainFacts(track) {
  const alternatives = likelyAlternatives(track).map(([bpm, probability]) => `${bpmText(bpm)} (${Math.round(100 * probability)} %)`).join(", ");
  const corrected = correctedParts(track);
  return [
    ["To check", track.why && track.status === "check" ? track.why : "", "warn"],
    ["You corrected", corrected.length ? corrected.join(", ") : ""],
    ["Tempo", track.bpm && [bpmText(track.bpm), trustText(track)].filter(Boolean).join(", ")],
    ["Could also be", track.source === "corrected" ? "" : alternatives],
    ["Tempo changes", (track.grid ?? []).length > 1 ? track.grid.map((g) => `${bpmText(g[1])} from ${clock(g[0])}`).join(", ") : ""],
    ["Key", track.key && `${camelotText(track)} ${track.key}${track.keyUnsure ? " (unsure)" : ""}`, track.keyUnsure ? "unsure" : ""],
    ["No key", track.noKey],
    ["Key changes", (track.keyChanges ?? []).map(([start, key]) => `${clock(start)} ${key}`).join(", ")],
    ["Mix in", barsText(track.mixIn)],
    ["Mix out", barsText(track.mixOut)],
    ["First drop", track.firstDrop && `after ${barsText(track.firstDrop)}`],
    ["Longest breakdown", barsText(track.breakdown)],
    ["Energy", track.energy !== undefined && `${Math.round(10 * track.energy)} of 10`],
    ["Loudness", track.lufs !== undefined && `${track.lufs.toFixed(1)} LUFS`],
    ["Album", track.album],
    ["Genre", track.genre],
    ["Year", track.year],
  ];
}

/** The numbers that the analysis measured, with their confidence. */
function measurements(track) {
  const grid = track.grid ?? [];
  return [
    ["Fitted tempo", track.fitted && `${track.fitted.toFixed(4)} BPM`],
    ["95 % interval", track.interval?.map((bpm) => bpm.toFixed(4)).join(" – ")],
    ["Confidence", track.confidence?.toFixed(2)],
    ["Confidence by part", (track.confidences ?? []).map((part, i) => `${["tempo", "octave", "beats", "downbeat"][i]} ${part.toFixed(2)}`).join(", ")],
    ["Alternatives", (track.alternatives ?? []).map(([bpm, probability]) => `${bpmText(bpm)} (${probability.toFixed(2)})`).join(", ")],
    ["Reference", track.refBpm && `${bpmText(track.refBpm)} (${signed(track.bpm - track.refBpm)})`],
    ["Tempo tag", bpmText(track.tag)],
    ["Tempo without tag", track.source === "computed" && track.computed !== track.bpm && bpmText(track.computed)],
    ["Tempo from", track.source === "metadata" ? "the file's tag" : ""],
    ["Time signature", track.signature],
    ["First downbeat", grid.length && grid[0][3] !== null ? `${grid[0][3].toFixed(3)} s` : ""],
    ["Key confidence", track.key && track.keyConfidence?.toFixed(2)],
    ["Other keys", (track.otherKeys ?? []).map(([key, probability]) => `${key} (${probability.toFixed(2)})`).join(", ")],
    ["Key tag", track.tagKey],
    ["Tuning", track.tuning && Math.abs(track.tuning) >= 5 ? `${track.tuning > 0 ? "+" : "−"}${Math.abs(track.tuning).toFixed(0)} cents` : ""],
    ["Mean energy", track.energy !== undefined && track.energy.toFixed(2)],
    ["Impact", track.impact !== undefined && `${track.impact.toFixed(1)} dB at the drop`],
    ["Loudness range", track.range !== undefined && `${track.range.toFixed(1)} LU`],
    ["Peak", track.peak !== undefined && `${track.peak.toFixed(1)} dB`],
  ];
}
