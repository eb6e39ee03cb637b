// The pages Failures and Run, and the tables and tiles of all pages.

import { showTrack } from "./application.js";
import { $, make } from "./dom.js";
import { workbench } from "./editor.js";
import { whatToDo } from "./failure_advice.js";
import { bpmText, count, titled } from "./text.js";
import { library, tracks } from "./tracks.js";

export function showFailures() {
  const failed = tracks.filter((track) => track.failure);
  const page = $("page-failures");
  page.replaceChildren(make("h2", {}, "Failures"));
  if (!failed.length) {
    page.append(make("p", { class: "lead" }, tracks.length ? "Every track was analysed." : "The library is empty. Analyse a folder of music: dropgrid run ~/Music"));
    return;
  }
  const kinds = new Map();
  for (const { failure } of failed) kinds.set(failure[0] || "other", (kinds.get(failure[0] || "other") ?? 0) + 1);
  const parts = [...kinds].map(([stage, number]) => `${stage} ${number}`).join(", ");
  page.append(make("p", { class: "lead" }, `${failed.length.toLocaleString("en")} of ${count(tracks.length, "track")} could not be analysed (by stage: ${parts}). The rest of the library is not affected.`));
  const rows = failed.slice(0, 2000).map((track) => [trackButton(track), track.failure[2], whatToDo(track.failure)]);
  page.append(dataTable(["File", "Reason", "What to do"], rows, []));
  if (failed.length > rows.length) page.append(make("p", {}, `Only the first ${rows.length.toLocaleString("en")} are listed here; failures.csv lists all.`));
}

/** A button that opens a track. */
export const trackButton = (track) => make("button", { class: "link", onclick: () => showTrack(track) }, track.path);

/** A table whose cells are texts, or lists of texts and elements; columns in `numbers` are right-aligned. */
export function dataTable(head, rows, numbers) {
  const classOf = (i) => (numbers.includes(i) ? "number right" : "");
  return make(
    "div",
    { class: "wide" },
    make(
      "table",
      { class: "data" },
      make("thead", {}, make("tr", {}, ...head.map((name, i) => make("th", { scope: "col", class: classOf(i) }, name)))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, i) => make("td", { class: classOf(i) }, ...[cell ?? ""].flat().map((part) => (part instanceof Node ? part : String(part)))))))),
    ),
  );
}

export function tiles(pairs) {
  return make("dl", { class: "tiles" }, ...pairs.map(([name, value, note]) => make("div", {}, make("dt", {}, name), make("dd", { class: "number" }, value, note ? make("small", {}, ` ${note}`) : null))));
}

export function showRun() {
  const good = tracks.filter((track) => !track.failure);
  const hours = good.reduce((sum, track) => sum + (track.duration ?? 0), 0) / 3600;
  const page = $("page-run");
  const middle = median(good.map((track) => track.bpm).filter((bpm) => bpm !== undefined));
  page.replaceChildren(
    make("h2", {}, "Run"),
    tiles([
      ["Tracks", tracks.length.toLocaleString("en")],
      ["Analysed", good.length.toLocaleString("en")],
      ["Music", hours < 1 ? `${Math.round(hours * 60)}` : hours.toFixed(1), hours < 1 ? "minutes" : "hours"],
      ["Drops", good.reduce((sum, track) => sum + (track.drops?.length ?? 0), 0).toLocaleString("en")],
      ["Median tempo", middle === undefined ? "–" : bpmText(middle), "BPM"],
      ["dropgrid", library.version],
    ]),
    make("h3", {}, "Tempos of the library"),
    histogram(good.map((track) => track.bpm).filter((bpm) => bpm !== undefined)),
  );
  if (library.cost) showCost(page);
  else workbench.store.costs().then((cost) => { library.cost = cost; showCost(page); }).catch((reason) => page.append(make("p", { class: "lead" }, reason.message)));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2 : undefined;
}

/** The number of tracks in each 2 BPM, as bars. */
function histogram(values) {
  if (!values.length) return make("p", { class: "lead" }, "No tempo was found.");
  const bins = new Map();
  for (const value of values) bins.set(Math.floor(value / 2) * 2, (bins.get(Math.floor(value / 2) * 2) ?? 0) + 1);
  const [low, high] = [Math.min(...bins.keys()), Math.max(...bins.keys())];
  const most = Math.max(...bins.values());
  const chart = make("div", { class: "histogram", role: "img", "aria-label": `Tempos from ${low} to ${high + 2} BPM, most of them around ${[...bins].find(([, n]) => n === most)[0] + 1}` });
  for (let bin = low; bin <= high; bin += 2) {
    const bar = make("i", { title: `${bin}–${bin + 2} BPM: ${count(bins.get(bin) ?? 0, "track")}` });
    bar.style.height = `${((bins.get(bin) ?? 0) / most) * 100}%`;
    chart.append(bar);
  }
  return make("div", {}, chart, make("p", { class: "axis number" }, make("span", {}, `${low}`), make("span", {}, `${high + 2} BPM`)));
}

/** The time and memory of each stage, from the logs. */
function showCost(page) {
  const rows = Object.entries(library.cost ?? {}).filter(([, use]) => use.jobs);
  if (!rows.length) return;
  const timeText = (seconds) => (seconds < 600 ? `${seconds.toFixed(1)} s` : seconds < 36000 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`);
  page.append(
    make("h3", {}, "Time and memory used"),
    dataTable(
      ["Stage", "Jobs", "Time, summed over jobs", "CPU time", "CPU time per track", "Peak memory of a job"],
      rows.map(([stage, use]) => [stage === "bpm" ? "BPM" : titled(stage), use.jobs.toLocaleString("en"), timeText(use.seconds), timeText(use.cpu_seconds), `${(use.cpu_seconds / use.jobs).toFixed(2)} s`, `${use.peak_mb} MB`]),
      [1, 2, 3, 4, 5],
    ),
  );
}
