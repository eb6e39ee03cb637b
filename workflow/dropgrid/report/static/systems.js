// dropgrid compared with other systems on the same tracks: means, differences, groups of tracks, and
// the tracks on which the systems differ most.

import { make } from "./dom.js";
import { dataTable, trackButton } from "./failures_and_run.js";
import { estimate, figure, figures } from "./figures.js";
import { titled } from "./text.js";
import { tracks } from "./tracks.js";

const SIDE_BY_SIDE = "Systems side by side";

/** A link to the tables below, for the top of the page. */
export const linkToSystems = ({ systems }) =>
  make("p", {}, make("button", { class: "link", onclick: () => document.getElementById("systems")?.scrollIntoView() }, `${SIDE_BY_SIDE}: ${systems.join(", ")}`));

/** The whole comparison. names: the display name of each metric, by task. */
export function sideBySide({ systems, base, tasks }, names, plots) {
  const lead = `Tracks without an answer count as wrong; the mean without them is in parentheses. ${base} is the result from the audio alone, without tags. In brackets: 95 % intervals, for 10 or more tracks.`;
  const parts = [make("h3", { id: "systems" }, SIDE_BY_SIDE), make("p", { class: "lead" }, lead)];
  for (const [task, found] of Object.entries(tasks)) {
    const nameOf = (metric) => names[task]?.[metric] ?? metric;
    parts.push(make("h4", {}, titled(task)), meansTable(systems, found.means, nameOf));
    parts.push(...systemDifferences(found.differences, base, nameOf), ...systemGroups(systems, found.strata, nameOf), ...largestDifferences(systems, found, nameOf));
  }
  if (plots.length) parts.push(figures(plots));
  return parts;
}

const metricsOf = (means) => [...new Set(means.map((mean) => mean.metric))];
const systemColumns = (systems, before = 1) => systems.map((_, i) => i + before);
const meanOf = (means, system, metric) => means.find((mean) => mean.system === system && mean.metric === metric);

function meanCell(mean) {
  if (!mean?.answered) return ["no answer"];
  const left = mean.answered === mean.tracks ? [] : [make("small", {}, ` (${figure(mean.mean_answered)} of the ${mean.answered} answered)`)];
  return [...estimate({ ...mean, value: mean.mean }), ...left];
}

function meansTable(systems, means, nameOf) {
  const rows = metricsOf(means).map((metric) => [nameOf(metric), ...systems.map((system) => meanCell(meanOf(means, system, metric)))]);
  return dataTable(["Measure", ...systems], rows, systemColumns(systems));
}

/** For the first metric, each system minus the base on the same tracks. */
function systemDifferences(found, base, nameOf) {
  const [first] = metricsOf(found);
  const own = found.filter(({ metric, tracks: count }) => metric === first && count);
  if (!own.length) return [];
  const pText = (p) => (p === null ? "–" : p < 0.001 ? "below .001" : p.toFixed(3));
  const rows = own.map((difference) => [difference.system, estimate({ ...difference, value: difference.mean }), difference.better, difference.worse, pText(difference.p)]);
  return [dataTable([`Minus ${base}: ${nameOf(first)}`, "Difference", "Tracks better", "Tracks worse", "p-value"], rows, [1, 2, 3, 4])];
}

function systemGroups(systems, strata, nameOf) {
  const found = Object.entries(strata);
  if (found.length < 2) return [];
  const [first] = metricsOf(found[0][1]);
  const rows = found.map(([name, means]) => [name, means[0].tracks, ...systems.map((system) => meanCell(meanOf(means, system, first)))]);
  return [dataTable([`Groups: ${nameOf(first)}`, "Tracks", ...systems], rows, systemColumns(systems, 2).concat(1))];
}

function largestDifferences(systems, { means, disagreements }, nameOf) {
  if (!disagreements.length) return [];
  const [first] = metricsOf(means);
  const byPath = new Map(tracks.map((track) => [track.path, track]));
  const trackCell = (path) => (byPath.has(path) ? trackButton(byPath.get(path)) : path);
  const rows = disagreements.map(({ path, scores }) => [trackCell(path), ...systems.map((system) => (scores[system] ? figure(scores[system][first]) : "no answer"))]);
  return [dataTable([`Largest differences: ${nameOf(first)}`, ...systems], rows, systemColumns(systems))];
}
