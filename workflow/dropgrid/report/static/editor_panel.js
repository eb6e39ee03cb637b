// The workbench on the page: its buttons under the close-up, what it draws there, its boundaries.

import { ownFile } from "./browser_corrections.js";
import { deck, follow } from "./deck.js";
import { $, make } from "./dom.js";
import { colours } from "./drawing.js";
import { bench, edit, here, PRIMARY, say, TOOLS } from "./editor.js";
import { analysed, beatsOf, edited } from "./grid_edits.js";
import { DROP, LABELS } from "./labels.js";
import { drawDeck, LANE, timeUnder } from "./pictures.js";
import { popover } from "./popovers.js";
import { download } from "./downloads.js";
import { bpmText, count, titled } from "./text.js";
import { lastBefore, nearestOf } from "./times.js";
import { library } from "./tracks.js";

const GRIP = 7; // px: how near a pointer must be to a boundary to take it; fingers three times that

/** What `keyName` writes, as it stands on a key. */
export const capOf = (key) => key.replace("Shift+", "⇧").replace("Enter", "↵").replace(/[a-z]$/, (letter) => letter.toUpperCase());

/** Put the tools under the opened track, or take them away. */
export function showTools() {
  const { parts } = deck;
  parts.edit.setAttribute("aria-pressed", bench.on);
  parts.tools.hidden = !bench.on;
  $("deck").classList.toggle("editing", bench.on);
  if (!bench.on) return drawDeck();
  if (!bench.parts.state) makeTools();
  fillIn(bench.parts.bpm, bpmText(deck.track.bpm));
  fillIn(bench.parts.metre, (deck.track.signature ?? "").split("/")[0]);
  showGhosts();
  showState();
  drawDeck();
}

/** Give a field its value, unless a person is at it. */
function fillIn(field, value) {
  if (field !== document.activeElement) field.value = value;
}

/** Make the tools of a track that was opened. They stay, so that no field or button loses the keyboard. */
function makeTools() {
  const first = PRIMARY.map((key) => TOOLS.find((tool) => tool[1] === key)).map(toolButton);
  const more = popover("more-tools", "More", ...moreGroups());
  bench.parts.ghosts = make("div", { class: "ghosts", role: "group", "aria-label": "Alternatives" });
  bench.parts.state = make("p", { class: "bench-state", role: "status" });
  deck.parts.tools.replaceChildren(
    make("div", { class: "primary", role: "group", "aria-label": "Fix this track" }, ...first, more),
    bench.parts.ghosts,
    bench.parts.state,
  );
}

function toolButton([, key, name, title, press]) {
  return make("button", { class: "tool", "data-key": key, "data-cap": capOf(key), title, "aria-keyshortcuts": key, onclick: press }, name);
}

/** The tools that are not always in sight, by task. */
function moreGroups() {
  const others = TOOLS.filter(([, key]) => !PRIMARY.includes(key));
  const fields = { Tempo: tempoField, Sections: labelChoice, Key: keyChoice };
  const groups = [...new Set(others.map(([group]) => group))].map((group) => toolGroup(group, [...others.filter((tool) => tool[0] === group).map(toolButton), ...(fields[group]?.() ?? [])]));
  return library.served ? groups : [...groups, toolGroup("Your corrections", fileButtons())];
}

const toolGroup = (name, content) => make("div", { class: "tool-group", role: "group", "aria-label": name }, make("span", { class: "tool-name" }, name), ...content);

function tempoField() {
  const field = make("input", { type: "text", inputmode: "decimal", class: "bpm-field", "aria-label": "Tempo, BPM" });
  bench.parts.bpm = field;
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") field.value = bpmText(deck.track.bpm);
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    const bpm = Number(field.value.replace(",", "."));
    if (event.key === "Enter") { if (bpm > 0) edit({ op: "bpm", bpm }); else say("Not a valid tempo.", true); }
    $("table").focus();
  });
  const metre = make("select", { "aria-label": "Beats of a bar", onchange: () => edit({ op: "beats_per_bar", beats: Number(metre.value) }) }, ...[3, 4, 5, 7].map((beats) => make("option", { value: beats }, `${beats}/4`)));
  bench.parts.metre = metre;
  return [field, metre];
}

function labelChoice() {
  bench.parts.label = make("select", { "aria-label": "Label of the section at the cursor", onchange: (event) => edit({ op: "label", at: here(), label: event.target.value }) }, ...LABELS.map((label) => make("option", { value: label }, titled(label))));
  return [bench.parts.label];
}

function keyChoice() {
  const known = deck.track.key;
  const names = Object.keys(library.keys);
  const none = known ? [] : [make("option", { value: "", selected: true }, "none")];
  bench.parts.key = make("select", { "aria-label": "Key", onchange: (event) => event.target.value && edit({ op: "key", key: event.target.value }) }, ...none, ...names.map((key) => make("option", { value: key, selected: key === known }, `${library.keys[key]} ${key}`)));
  return [bench.parts.key];
}

/** Without a server: opening a file of corrections to add to, and saving all. */
function fileButtons() {
  const chosen = make("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "A file of corrections", onchange: openCorrections });
  return [
    make("button", { class: "tool", title: "Open your corrections.json: what is saved here is added to it", onclick: () => chosen.click() }, "Open"),
    chosen,
    make("button", { class: "tool", title: "Save your corrections as a file for dropgrid", onclick: downloadCorrections }, "Download"),
  ];
}

async function openCorrections({ target }) {
  const [file] = target.files;
  target.value = ""; // so that the same file can be opened again
  if (!file) return;
  try {
    const number = ownFile.addTo(await file.text());
    say(`${file.name}: ${count(number, "track")}. Download adds yours to them`);
  } catch (reason) {
    say(`${file.name}: ${reason.message}`, true);
  }
}

/** The alternatives, as buttons that show what they would do before they do it. */
function showGhosts() {
  const chips = bench.ghosts.slice(0, 6).map((ghost, i) => {
    const look = () => showGhost(ghost.edit);
    const leave = () => showGhost(null);
    return make("button", { class: "ghost", onclick: () => edit(ghost.edit), onpointerenter: look, onpointerleave: leave, onfocus: look, onblur: leave, "aria-keyshortcuts": i + 4, "data-cap": i + 4 }, `${titled(ghost.label)} `, make("b", { class: "number" }, `${Math.round(100 * ghost.confidence)} %`));
  });
  bench.parts.ghosts.replaceChildren(make("span", { class: "tool-name" }, chips.length ? "Alternatives" : deck.track.why || "No other likely tempo found."), ...chips);
}

function showGhost(change) {
  try {
    bench.ghost = change && beatsOf(edited(analysed(deck.track, deck.details), change));
  } catch {
    bench.ghost = null;
  }
  follow();
}

export function showState() {
  const { state } = bench.parts;
  if (!state || !deck.track) return;
  const { state: known = {} } = deck.track;
  const job = { running: "Updating the records …", failed: `The records could not be updated: ${known.message}` }[known.job];
  const corrected = known.corrected?.length ? `Corrected: ${known.corrected.join(", ")}` : "";
  state.textContent = [known.confirmed ? "🔒 Confirmed" : "", corrected, bench.said, job].filter(Boolean).join(" · ");
  state.classList.toggle("wrong", bench.wrong || known.job === "failed");
  for (const [key, number] of [["u", known.undo], ["Shift+u", known.redo]]) deck.parts.tools.querySelector(`[data-key="${key}"]`).disabled = !number;
  const lock = deck.parts.tools.querySelector('[data-key="g"]');
  lock.textContent = known.confirmed ? "Unlock" : "Lock";
  lock.setAttribute("aria-pressed", Boolean(known.confirmed));
  deck.parts.tools.querySelector('[data-key="Enter"]').textContent = known.confirmed ? "Go on" : "Confirm";
  bench.parts.key.value = deck.track.key ?? "";
}

function downloadCorrections() {
  download("corrections.json", "application/json", JSON.stringify(ownFile.document(), null, 2) + "\n");
  say("Saved as corrections.json. Put it into the results folder, or name it: dropgrid run --config corrections=corrections.json");
}

/** What the workbench adds to the close-up: another reading, the first anchor, a boundary on its way. */
export function drawBench(context, [from, to], [top, height], width) {
  const x = (time) => Math.round(((time - from) / (to - from)) * width);
  const line = (time, colour, rise) => { context.fillStyle = colour; context.fillRect(x(time), top + height - rise, 2, rise); };
  for (const [times, rise] of bench.ghost ? [[bench.ghost.beats, height * 0.55], [bench.ghost.downbeats, height]] : []) {
    for (let i = Math.max(lastBefore(times, from), 0); times[i] < to; i++) line(times[i], colours.focus, rise);
  }
  if (bench.anchor !== null) line(bench.anchor, colours.sections[DROP], height);
  if (bench.boundary) line(bench.boundary.to, colours.ink, height);
}

/** The inner boundary under a pointer in a lane of sections (0..LANE px from its top), or undefined. */
export function boundaryUnder(event, canvas) {
  if (!bench.on || !deck.track.sections) return undefined;
  const box = canvas.getBoundingClientRect();
  const y = event.clientY - box.top;
  if (canvas === deck.parts.overview ? y > LANE + 6 : y < box.height - LANE - 6) return undefined;
  const perPixel = Math.abs(timeUnder({ clientX: box.left + 1 }, canvas) - timeUnder({ clientX: box.left }, canvas));
  const time = timeUnder(event, canvas);
  const near = nearestOf(deck.track.sections.slice(1).map(([start]) => start), time);
  return Math.abs(near - time) <= perPixel * GRIP * (event.pointerType === "touch" ? 3 : 1) && deck.track.sections.length > 1 ? near : undefined;
}

/** Drag a boundary along the bar lines; let go, it is moved. */
export function dragBoundary(event, canvas, from) {
  bench.boundary = { from, to: from };
  canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (e) => { bench.boundary.to = nearestOf(deck.details.downbeats, timeUnder(e, canvas)); drawDeck(); };
  canvas.onpointerup = canvas.onpointercancel = (e) => {
    canvas.onpointermove = canvas.onpointerup = canvas.onpointercancel = null;
    const { to } = bench.boundary;
    bench.boundary = null;
    if (e.type === "pointerup" && to !== from) edit({ op: "boundary", from, to });
    else drawDeck();
  };
}
