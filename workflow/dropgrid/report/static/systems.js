// Other systems beside dropgrid on the same tracks: means, differences, groups of tracks, and the
// tracks on which the systems are furthest apart.

import { make } from "./dom.js";
import { dataTable, trackButton } from "./failures_and_run.js";
import { estimate, figure } from "./figures.js";
import { titled } from "./text.js";
import { tracks } from "./tracks.js";

const SIDE_BY_SIDE = "Systems side by side";

/** A link to the tables below, for the head of the page. */
export const linkToSystems = ({ systems }) =>
  make("p", {}, make("button", { class: "link", onclick: () => document.getElementById("systems")?.scrollIntoView() }, `${SIDE_BY_SIDE}: ${systems.join(", ")}`));

/** All of it. names: of each task, metric -> words. */
export function sideBySide({ systems, base, tasks }, names, plots) {
  const lead = `A track without an answer counts as wrong, then is left out. ${base} is what the audio alone says. In brackets: 95 % intervals, from 10 tracks on.`;
  const parts = [make("h3", { id: "systems" }, SIDE_BY_SIDE), make("p", { class: "lead" }, lead)];
  for (const [task, found] of Object.entries(tasks)) {
    const words = (metric) => names[task]?.[metric] ?? metric;
    parts.push(make("h4", {}, titled(task)), meansTable(systems, found.means, words));
    parts.push(...systemDifferences(found.differences, base, words), ...systemGroups(systems, found.strata, words), ...furthestApart(systems, found, words));
  }
  if (plots.length) parts.push(make("div", { class: "plots" }, ...plots.map(([alt, src]) => make("figure", {}, make("img", { src, alt })))));
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

function meansTable(systems, means, words) {
  const rows = metricsOf(means).map((metric) => [words(metric), ...systems.map((system) => meanCell(meanOf(means, system, metric)))]);
  return dataTable(["Measure", ...systems], rows, systemColumns(systems));
}

/** Of the first measure, each system less the base on the same tracks. */
function systemDifferences(found, base, words) {
  const [first] = metricsOf(found);
  const own = found.filter(({ metric, tracks: count }) => metric === first && count);
  if (!own.length) return [];
  const chance = (p) => (p === null ? "–" : p < 0.001 ? "below .001" : p.toFixed(3));
  const rows = own.map((apart) => [apart.system, estimate({ ...apart, value: apart.mean }), apart.better, apart.worse, chance(apart.p)]);
  return [dataTable([`Less ${base}: ${words(first)}`, "Difference", "Tracks better", "Tracks worse", "p, were both as good"], rows, [1, 2, 3, 4])];
}

function systemGroups(systems, strata, words) {
  const found = Object.entries(strata);
  if (found.length < 2) return [];
  const [first] = metricsOf(found[0][1]);
  const rows = found.map(([name, means]) => [name, means[0].tracks, ...systems.map((system) => meanCell(meanOf(means, system, first)))]);
  return [dataTable([`Groups: ${words(first)}`, "Tracks", ...systems], rows, systemColumns(systems, 2).concat(1))];
}

function furthestApart(systems, { means, disagreements }, words) {
  if (!disagreements.length) return [];
  const [first] = metricsOf(means);
  const known = new Map(tracks.map((track) => [track.path, track]));
  const named = (path) => (known.has(path) ? trackButton(known.get(path)) : path);
  const rows = disagreements.map(({ path, scores }) => [named(path), ...systems.map((system) => (scores[system] ? figure(scores[system][first]) : "no answer"))]);
  return [dataTable([`Furthest apart: ${words(first)}`, ...systems], rows, systemColumns(systems))];
}
