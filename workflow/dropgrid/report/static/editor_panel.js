// The workbench on the page: its buttons under the close-up, what it draws there, its boundaries.

import { browserStore } from "./browser_corrections.js";
import { deck, follow } from "./deck.js";
import { $, make } from "./dom.js";
import { colours } from "./drawing.js";
import { workbench, cursorTime, edit, PRIMARY, showMessage, TOOLS } from "./editor.js";
import { analysed, beatsOf, edited } from "./grid_edits.js";
import { DROP, LABELS } from "./labels.js";
import { drawDeck, LANE, timeUnder } from "./pictures.js";
import { popover } from "./popovers.js";
import { download } from "./downloads.js";
import { bpmText, count, titled } from "./text.js";
import { lastBefore, nearestOf } from "./times.js";
import { library } from "./tracks.js";

const GRIP = 7; // px: how close a pointer must be to a boundary to drag it; a finger three times that

/** The label of a key named as `keyName` writes it. */
export const keyCap = (key) => key.replace("Shift+", "⇧").replace("Enter", "↵").replace(/[a-z]$/, (letter) => letter.toUpperCase());

/** Show or hide the tools of the opened track. */
export function showTools() {
  const { parts } = deck;
  parts.edit.setAttribute("aria-pressed", workbench.on);
  parts.tools.hidden = !workbench.on;
  $("deck").classList.toggle("editing", workbench.on);
  if (!workbench.on) return drawDeck();
  if (!workbench.parts.state) makeTools();
  fillIn(workbench.parts.bpm, bpmText(deck.track.bpm));
  fillIn(workbench.parts.metre, (deck.track.signature ?? "").split("/")[0]);
  showAlternatives();
  showState();
  drawDeck();
}

/** Set a field's value, unless the user is typing in it. */
function fillIn(field, value) {
  if (field !== document.activeElement) field.value = value;
}

/** Make the tools once for each opened track, so that no field or button loses the focus later. */
function makeTools() {
  const first = PRIMARY.map((key) => TOOLS.find((tool) => tool[1] === key)).map(toolButton);
  const more = popover("more-tools", "More", ...moreGroups());
  workbench.parts.alternatives = make("div", { class: "edit-alternatives", role: "group", "aria-label": "Alternatives" });
  workbench.parts.state = make("p", { class: "workbench-state", role: "status" });
  deck.parts.tools.replaceChildren(
    make("div", { class: "primary", role: "group", "aria-label": "Fix this track" }, ...first, more),
    workbench.parts.alternatives,
    workbench.parts.state,
  );
}

function toolButton([, key, name, title, press]) {
  return make("button", { class: "tool", "data-key": key, "data-cap": keyCap(key), title, "aria-keyshortcuts": key, onclick: press }, name);
}

/** The tools under *More*, by task. */
function moreGroups() {
  const others = TOOLS.filter(([, key]) => !PRIMARY.includes(key));
  const fields = { Tempo: tempoField, Sections: labelChoice, Key: keyChoice };
  const groups = [...new Set(others.map(([group]) => group))].map((group) => toolGroup(group, [...others.filter((tool) => tool[0] === group).map(toolButton), ...(fields[group]?.() ?? [])]));
  return library.served ? groups : [...groups, toolGroup("Your corrections", fileButtons())];
}

const toolGroup = (name, content) => make("div", { class: "tool-group", role: "group", "aria-label": name }, make("span", { class: "tool-name" }, name), make("div", { class: "tool-buttons" }, ...content));

function tempoField() {
  const field = make("input", { type: "text", inputmode: "decimal", class: "bpm-field", "aria-label": "Tempo, BPM" });
  workbench.parts.bpm = field;
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") field.value = bpmText(deck.track.bpm);
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    const bpm = Number(field.value.replace(",", "."));
    if (event.key === "Enter") { if (bpm > 0) edit({ op: "bpm", bpm }); else showMessage("Not a valid tempo.", true); }
    $("table").focus();
  });
  const metre = make("select", { "aria-label": "Beats per bar", onchange: () => edit({ op: "beats_per_bar", beats: Number(metre.value) }) }, ...[3, 4, 5, 7].map((beats) => make("option", { value: beats }, `${beats}/4`)));
  workbench.parts.metre = metre;
  return [field, metre];
}

function labelChoice() {
  workbench.parts.label = make("select", { "aria-label": "Label of the section at the cursor", onchange: (event) => edit({ op: "label", at: cursorTime(), label: event.target.value }) }, ...LABELS.map((label) => make("option", { value: label }, titled(label))));
  return [workbench.parts.label];
}

function keyChoice() {
  const current = deck.track.key;
  const names = Object.keys(library.keys);
  const none = current ? [] : [make("option", { value: "", selected: true }, "none")];
  workbench.parts.key = make("select", { "aria-label": "Key", onchange: (event) => event.target.value && edit({ op: "key", key: event.target.value }) }, ...none, ...names.map((key) => make("option", { value: key, selected: key === current }, `${library.keys[key]} ${key}`)));
  return [workbench.parts.key];
}

/** Without a server: open a corrections file to add to, and save all corrections. */
function fileButtons() {
  const fileField = make("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "Corrections file", onchange: openCorrections });
  return [
    make("button", { class: "tool", title: "Open your corrections.json, to add your edits to it", onclick: () => fileField.click() }, "Open"),
    fileField,
    make("button", { class: "tool", title: "Save your corrections as a file for dropgrid", onclick: downloadCorrections }, "Download"),
  ];
}

async function openCorrections({ target }) {
  const [file] = target.files;
  target.value = ""; // so that the same file can be opened again
  if (!file) return;
  try {
    const number = browserStore.addTo(await file.text());
    showMessage(`${file.name}: ${count(number, "track")}. Download adds your edits to this file`);
  } catch (reason) {
    showMessage(`${file.name}: ${reason.message}`, true);
  }
}

/** The alternatives, as buttons that preview their edit under the pointer or the focus. */
function showAlternatives() {
  const chips = workbench.alternatives.slice(0, 6).map((alternative, i) => {
    const preview = () => previewEdit(alternative.edit);
    const clear = () => previewEdit(null);
    return make("button", { class: "edit-alternative", onclick: () => edit(alternative.edit), onpointerenter: preview, onpointerleave: clear, onfocus: preview, onblur: clear, "aria-keyshortcuts": i + 4, "data-cap": i + 4 }, `${titled(alternative.label)} `, make("b", { class: "number" }, `${Math.round(100 * alternative.confidence)} %`));
  });
  workbench.parts.alternatives.replaceChildren(make("span", { class: "tool-name" }, chips.length ? "Alternatives" : deck.track.why || "No other likely tempo found."), ...chips);
}

/** Draw the beats that the track would have after an edit; null: draw none. */
function previewEdit(change) {
  try {
    workbench.preview = change && beatsOf(edited(analysed(deck.track, deck.details), change));
  } catch {
    workbench.preview = null;
  }
  follow();
}

export function showState() {
  const { state } = workbench.parts;
  if (!state || !deck.track) return;
  const { state: current = {} } = deck.track;
  const job = { running: "Updating the records …", failed: `The records could not be updated: ${current.message}` }[current.job];
  const corrected = current.corrected?.length ? `Corrected: ${current.corrected.join(", ")}` : "";
  state.textContent = [current.confirmed ? "🔒 Confirmed" : "", corrected, workbench.message, job].filter(Boolean).join(" · ");
  state.classList.toggle("error", workbench.isError || current.job === "failed");
  for (const [key, number] of [["u", current.undo], ["Shift+u", current.redo]]) deck.parts.tools.querySelector(`[data-key="${key}"]`).disabled = !number;
  const lock = deck.parts.tools.querySelector('[data-key="g"]');
  lock.textContent = current.confirmed ? "Unlock" : "Lock";
  lock.setAttribute("aria-pressed", Boolean(current.confirmed));
  deck.parts.tools.querySelector('[data-key="Enter"]').textContent = current.confirmed ? "Next" : "Confirm";
  workbench.parts.key.value = deck.track.key ?? "";
}

function downloadCorrections() {
  download("corrections.json", "application/json", JSON.stringify(browserStore.document(), null, 2) + "\n");
  showMessage("Saved as corrections.json. Move it into the results folder, or run: dropgrid run --config corrections=corrections.json");
}

/** Draw the workbench's marks on the close-up: a previewed edit, the first anchor, a dragged boundary. */
export function drawEditMarks(context, [from, to], [top, height], width) {
  const x = (time) => Math.round(((time - from) / (to - from)) * width);
  const line = (time, colour, rise) => { context.fillStyle = colour; context.fillRect(x(time), top + height - rise, 2, rise); };
  for (const [times, rise] of workbench.preview ? [[workbench.preview.beats, height * 0.55], [workbench.preview.downbeats, height]] : []) {
    for (let i = Math.max(lastBefore(times, from), 0); times[i] < to; i++) line(times[i], colours.focus, rise);
  }
  if (workbench.anchor !== null) line(workbench.anchor, colours.sections[DROP], height);
  if (workbench.boundary) line(workbench.boundary.to, colours.ink, height);
}

/** The inner boundary under a pointer in a lane of sections (0..LANE px from its top), or undefined. */
export function boundaryUnder(event, canvas) {
  if (!workbench.on || !deck.track.sections) return undefined;
  const box = canvas.getBoundingClientRect();
  const y = event.clientY - box.top;
  if (canvas === deck.parts.overview ? y > LANE + 6 : y < box.height - LANE - 6) return undefined;
  const perPixel = Math.abs(timeUnder({ clientX: box.left + 1 }, canvas) - timeUnder({ clientX: box.left }, canvas));
  const time = timeUnder(event, canvas);
  const near = nearestOf(deck.track.sections.slice(1).map(([start]) => start), time);
  return Math.abs(near - time) <= perPixel * GRIP * (event.pointerType === "touch" ? 3 : 1) && deck.track.sections.length > 1 ? near : undefined;
}

/** Drag a boundary along the bar lines; it is moved when the pointer is released. */
export function dragBoundary(event, canvas, from) {
  workbench.boundary = { from, to: from };
  canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (e) => { workbench.boundary.to = nearestOf(deck.details.downbeats, timeUnder(e, canvas)); drawDeck(); };
  canvas.onpointerup = canvas.onpointercancel = (e) => {
    canvas.onpointermove = canvas.onpointerup = canvas.onpointercancel = null;
    const { to } = workbench.boundary;
    workbench.boundary = null;
    if (e.type === "pointerup" && to !== from) edit({ op: "boundary", from, to });
    else drawDeck();
  };
}
