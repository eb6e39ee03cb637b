// The evaluation page: metrics with their intervals, baselines and plots.

import { $, make } from "./dom.js";
import { dataTable, trackButton, tiles } from "./failures_and_run.js";
import { between, estimate, figure, figures } from "./figures.js";
import { linkToSystems, sideBySide } from "./systems.js";
import { bpmText, count, titled } from "./text.js";
import { parsed, tracks } from "./tracks.js";
import { MAX_DIFFERENCE, disagreement } from "./verdict.js";

const TASKS = { bpm: "Tempo", beats: "Beats", downbeats: "Downbeats", structure: "Sections", key: "Key" };
const SYSTEMS = { median_interval: "median interval", tag: "tag", eight_bars: "every 8 bars", with_tag: "with the tag" };
const HEADLINES = [
  ["bpm", "accuracy1", "Tempo within 4 %"],
  ["bpm", "median_error", "Median BPM error"],
  ["beats", "f_measure", "Beats, F"],
  ["downbeats", "f_measure", "Downbeats, F"],
  ["structure", "hit_3_trimmed_f", "Boundaries in 3 s, F"],
  ["structure", "drop_start_3_f", "Drops in 3 s, F"],
  ["key", "mirex", "Key, MIREX-weighted"],
];

export function showEvaluation() {
  const page = $("page-evaluation");
  const { names, in_groups: inGroups, documents, systems, system_plots: systemPlots } = parsed("data-evaluation");
  page.replaceChildren(make("h2", {}, "Evaluation"));
  if (!documents.length) {
    page.append(make("p", { class: "lead" }, "There is no evaluation. To get one, list annotations under evaluation: references: in config.yaml and run the workflow again."));
    return;
  }
  const byTask = {};
  for (const { task, values } of documents) {
    byTask[task] = values;
    if (values.downbeats) byTask.downbeats = values.downbeats;
  }
  page.append(make("p", { class: "lead" }, aboutReferences(documents[0].values)));
  if (systems?.systems) page.append(linkToSystems(systems));
  const headlines = HEADLINES.map(([task, name, title]) => [title, byTask[task]?.systems?.dropgrid?.[name]]);
  page.append(tiles(headlines.filter(([, e]) => e && e.value !== null).map(([title, e]) => [title, figure(e.value), between(e)])));
  for (const [task, values] of Object.entries(byTask)) {
    const { plots = [] } = documents.find((document) => document.task === task) ?? {};
    page.append(...taskResults(task, values, plots, names[task], inGroups[task]));
  }
  if (systems?.systems) page.append(...sideBySide(systems, names, systemPlots));
}

/** The results of a task. names: the display name of each metric; grouped: the metrics for groups of tracks. */
function taskResults(task, values, plots, names, grouped) {
  const parts = [make("h3", {}, TASKS[task], make("small", {}, count(values.tracks, "track"))), measures(values.systems ?? {}, names)];
  if (plots.length) parts.push(figures(plots));
  if (values.octaves) parts.push(...kinds("Estimates by their multiple of the reference", values.octaves), ...disagreements());
  if (values.errors) parts.push(...kinds("Keys by kind of error", values.errors));
  for (const [kind, strata] of Object.entries(values.strata ?? {})) parts.push(...groups(kind, strata, grouped, names));
  if (Object.keys(values.labels ?? {}).length) parts.push(...labels(values.labels));
  if (Object.keys(values.calibration ?? {}).length) parts.push(...calibration(values.calibration));
  return parts;
}

/** How well the confidences are calibrated. */
function calibration(found) {
  const rows = Object.entries(found).map(([kind, values]) => [titled(kind), values.tracks, figure(values.confidence), figure(values.right), figure(values.calibration_error)]);
  return [make("h4", {}, "Confidence"), dataTable(["Confidence", "Tracks", "Mean", "Share correct", "Calibration error"], rows, [1, 2, 3, 4])];
}

function aboutReferences({ library: about, options, decided_by_tag: tagged }) {
  if (!about) return "";
  const left = Object.entries(about.references_left_out).map(([reason, number]) => `${number} ${reason}`);
  const sampled = about.sampled < about.with_reference ? `, of which ${about.sampled.toLocaleString("en")} were sampled (seed ${options.sample_seed})` : "";
  return (
    `${about.with_reference.toLocaleString("en")} of ${count(about.tracks, "track")} have a reference${sampled}. ` +
    (left.length ? `References left out: ${left.join(", ")}. ` : "") +
    "In brackets: 95 % intervals, for 10 or more tracks. Tracks that failed or have no answer count as wrong." +
    (tagged?.length ? ` For ${count(tagged.length, "track")}, a BPM tag decided the tempo; the result from the audio alone is scored.` : "")
  );
}

function measures(systems, names) {
  const columns = Object.keys(systems);
  if (!columns.length) return make("p", { class: "lead" }, "No track has a reference for this.");
  const shown = Object.keys(names).filter((name) => columns.some((system) => name in systems[system]));
  const rows = shown.map((name) => [names[name], ...columns.map((system) => estimate(systems[system][name]))]);
  return dataTable(["Measure", ...columns.map((c) => SYSTEMS[c] ?? c)], rows, columns.map((_, i) => i + 1));
}

/** A table of the number of estimates of each kind, for each system. */
function kinds(title, systems) {
  const names = [...new Set(Object.values(systems).flatMap(Object.keys))];
  if (!names.length) return [];
  const rows = Object.entries(systems).map(([system, counts]) => [SYSTEMS[system] ?? system, ...names.map((name) => counts[name] ?? 0)]);
  return [make("h4", {}, title), dataTable(["", ...names.map((name) => name.replace("_", " "))], rows, names.map((_, i) => i + 1))];
}

/** The tracks whose tempo differs most from the reference. */
function disagreements() {
  const furthest = tracks.filter((track) => disagreement(track) > MAX_DIFFERENCE).sort((a, b) => disagreement(b) - disagreement(a));
  if (!furthest.length) return [];
  const rows = furthest.slice(0, 50).map((track) => [trackButton(track), bpmText(track.bpm), bpmText(track.refBpm), (track.bpm / track.refBpm).toFixed(3), figure(track.confidence)]);
  const title = `${count(furthest.length, "tempo")} more than ${MAX_DIFFERENCE} BPM from the reference${furthest.length > 50 ? "; the 50 largest differences" : ""}`;
  return [make("h4", {}, title), dataTable(["Track", "Estimate", "Reference", "Ratio", "Confidence"], rows, [1, 2, 3, 4])];
}

/** A table of metrics for groups of tracks: tempo ranges, or genres. */
function groups(kind, strata, measuresShown, names) {
  const found = Object.entries(strata);
  const shown = measuresShown.filter((measure) => found.some(([, values]) => measure in values));
  if (!shown.length) return [];
  const size = (values) => Math.max(...shown.map((measure) => values[measure]?.tracks ?? 0));
  const rows = found.map(([name, values]) => [name, size(values), ...shown.map((measure) => estimate(values[measure]))]);
  const head = { tempo: "Tempo range", genre: "Genre" }[kind] ?? kind;
  return [make("h4", {}, `By ${head.toLowerCase()}`), dataTable([head, "Tracks", ...shown.map((measure) => titled(names[measure]))], rows, shown.map((_, i) => i + 2).concat(1))];
}

function labels(found) {
  const kinds = ["precision", "recall", "f"];
  const rows = Object.entries(found).map(([label, values]) => [titled(label), ...kinds.map((kind) => estimate(values[kind]))]);
  return [make("h4", {}, "Share of time with the correct label"), dataTable(["Label", "Precision", "Recall", "F"], rows, [1, 2, 3])];
}
