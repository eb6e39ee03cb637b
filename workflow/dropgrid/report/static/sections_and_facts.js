// The sections in words: what a list, a legend and a tooltip say of them; and a track's facts.

import { $, make } from "./dom.js";
import { LABELS } from "./labels.js";
import { seek } from "./player.js";
import { runAt, runs } from "./section_runs.js";
import { barsText, bpmText, clock, titled } from "./text.js";
import { BARS, camelotText, tracks } from "./tracks.js";

/** What a tooltip says of the sections at a time. */
export function saidOf(track, time) {
  const run = runAt(track, time);
  if (!run) return "";
  const bars = run.bars ? `, bars ${run.bar}–${run.bar + run.bars - 1}` : "";
  const energy = run.energy === undefined ? "" : `, energy ${run.energy.toFixed(2)}`;
  return `${titled(LABELS[run.label])}, ${clock(run.start, true)} – ${clock(run.end, true)}${bars}${energy}`;
}

/** As few letters of each label as tell it from the others: I, Bu, D, Br, O. */
export const SHORT = LABELS.map((label) => {
  const length = [1, 2, 3].find((n) => LABELS.filter((other) => other.slice(0, n) === label.slice(0, n)).length === 1);
  return titled(label.slice(0, length ?? label.length));
});

/** The labels that this library has, in their colours. */
export function startLegend() {
  const used = LABELS.map((_, i) => tracks.some((track) => track.sections?.some((section) => section[2] === i)));
  for (const [i, label] of LABELS.entries()) {
    if (used[i]) $("legend").append(make("li", {}, swatch(i), titled(label)));
  }
}

function swatch(label) {
  const found = make("i", { class: "swatch", "aria-hidden": "true" });
  found.style.background = `var(--${LABELS[label]})`;
  return found;
}

export function sectionList(track) {
  if (!track.sections?.length) return make("p", { class: "deck-none" }, "No sections are known.");
  const starts = (track.refSections ?? []).map((s) => s[0]);
  const head = ["Section", "Start", "Bars", ...(track.energies ? ["Energy"] : []), "Conf.", ...(starts.length ? ["Δ ref."] : [])];
  const rows = runs(track).map((run, i) => {
    const name = make("button", { class: "section-name", onclick: () => seek(run.start) }, swatch(run.label), titled(LABELS[run.label]));
    const parts = run.parts.length > 1 ? run.parts.map((part) => part.bars ?? clock(part.end - part.start)).join(" + ") : null;
    const energy = track.energies ? [[run.energy.toFixed(2)]] : [];
    const cells = [[clock(run.start, true)], [run.bars ?? "–", parts], ...energy, [run.confidence.toFixed(2)]];
    if (starts.length) cells.push([distance(run.start, starts)]);
    return make("tr", { "data-section": i }, make("td", {}, name), ...cells.map(([text, note]) => make("td", { class: "number", title: note && `in parts of ${note}` }, String(text))));
  });
  const header = make("tr", {}, ...head.map((name) => make("th", { scope: "col", title: name === "Δ ref." ? "Seconds from the nearest boundary of the reference" : null }, name)));
  return make("div", { class: "sections", tabindex: 0, role: "region", "aria-label": "Sections" }, make("table", {}, make("thead", {}, header), make("tbody", {}, ...rows)));
}

/** The signed seconds from the nearest of some times. */
function distance(time, times) {
  const off = times.map((t) => time - t).reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
  return signed(off);
}

const signed = (value) => `${value < -0.005 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

export function facts(track) {
  const grid = track.grid ?? [];
  const pairs = [
    ["Fitted", track.fitted && track.fitted.toFixed(4)],
    ["Interval", track.interval?.map((bpm) => bpm.toFixed(4)).join(" – ")],
    ["Confidence", track.confidence?.toFixed(2)],
    ["Confidence by part", (track.confidences ?? []).map((part, i) => `${["tempo", "octave", "beats", "downbeat"][i]} ${part.toFixed(2)}`).join(", ")],
    ["Alternatives", (track.alternatives ?? []).map(([bpm, share]) => `${bpmText(bpm)} (${share.toFixed(2)})`).join(", ")],
    ["Reference", track.refBpm && `${bpmText(track.refBpm)} (${signed(track.bpm - track.refBpm)})`],
    ["Tag", bpmText(track.tag)],
    ["Without tag", track.source === "computed" && track.computed !== track.bpm && bpmText(track.computed)],
    ["Metre", track.signature],
    ["Key", track.key && `${camelotText(track)} ${track.key} (${track.keyConfidence.toFixed(2)}${track.keyUnsure ? ", unsure" : ""})`],
    ["No key", track.noKey],
    ["Other keys", (track.otherKeys ?? []).map(([key, share]) => `${key} (${share.toFixed(2)})`).join(", ")],
    ["Key changes", (track.keyChanges ?? []).map(([start, key]) => `${clock(start)} ${key}`).join(", ")],
    ["Key tag", track.tagKey],
    ["Tuning", track.tuning && Math.abs(track.tuning) >= 5 ? `${track.tuning > 0 ? "+" : "−"}${Math.abs(track.tuning).toFixed(0)} cents` : ""],
    ["Energy", track.energy !== undefined && track.energy.toFixed(2)],
    ...BARS.map(([key, name]) => [key === "breakdown" ? "Longest breakdown" : name, barsText(track[key])]),
    ["Impact", track.impact !== undefined && `${track.impact.toFixed(1)} dB at the drop`],
    ["Loudness", track.lufs !== undefined && `${track.lufs.toFixed(1)} LUFS${track.range === undefined ? "" : `, range ${track.range.toFixed(1)} LU`}`],
    ["Peak", track.peak !== undefined && `${track.peak.toFixed(1)} dB`],
    ["First downbeat", grid.length && grid[0][3] !== null ? `${grid[0][3].toFixed(3)} s` : ""],
    ["Grid", grid.length > 1 ? `${grid.length} regions: ${grid.map((g) => bpmText(g[1])).join(", ")}` : ""],
    ["Taken from", track.source === "metadata" ? "the file's tag" : ""],
    ["Check", track.why],
    ["Album", track.album],
    ["Genre", track.genre],
  ];
  const rows = pairs.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", { class: "number" }, value)));
  return make("dl", { class: "facts", tabindex: 0, "aria-label": "Facts" }, ...rows);
}
