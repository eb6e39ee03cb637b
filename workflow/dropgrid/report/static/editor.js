// The workbench: what a user does to the opened track by button and key. A store keeps the edits:
// this browser (browser_corrections.js), or the program that serves the page (server.js).

import { showTrack } from "./application.js";
import { browserStore } from "./browser_corrections.js";
import { deck, follow, showAnswer } from "./deck.js";
import { $, writeStored } from "./dom.js";
import { showState, showTools } from "./editor_panel.js";
import { LABELS } from "./labels.js";
import { player, playing } from "./player.js";
import { openPopover } from "./popovers.js";
import { refresh, table } from "./table.js";
import { bpmText } from "./text.js";
import { nearestOf } from "./times.js";
import { library } from "./tracks.js";

const TAP_TIMEOUT = 2.5; // s without a tap after which the next tap begins a new series
const TAPS_END = 1200; // ms after the last tap until the tempo is set
const MIN_TAPS = 4;
export const workbench = { on: false, store: /** @type {any} */ (browserStore), alternatives: [], preview: null, anchor: null, taps: [], boundary: null, message: "", isError: false, busy: 0, waiting: Promise.resolve(), parts: {} };

/** Edit the opened track, as one undo step, after the edits that are still being saved. */
export function edit(...edits) {
  const { track } = deck;
  if (!track?.duration || track.failure) return workbench.waiting;
  return runEdit((store) => {
    if (track.state?.confirmed && edits[0].op !== "unconfirm") throw new Error("This track is confirmed and locked. Press G to unlock.");
    return store.edit(track, edits);
  });
}

const undo = () => runEdit((store) => store.undo(deck.track));
const redo = () => runEdit((store) => store.redo(deck.track));

/** Have the store do something, after all that it does already, and show the result. */
function runEdit(work) {
  const { track } = deck;
  workbench.busy += 1;
  workbench.waiting = workbench.waiting.then(async () => {
    showMessage("Saving …");
    try {
      const result = await work(workbench.store);
      showMessage(library.served ? "Saved" : "Saved in this browser; Download saves the file");
      refresh();
      if (deck.track === track) showAnswer(result);
    } catch (error) {
      showMessage(error.message, true);
    }
    workbench.busy -= 1;
  });
  return workbench.waiting;
}

/** Show what was saved, what is running or what went wrong. */
export function showMessage(text, isError = false) {
  Object.assign(workbench, { message: text, isError });
  showState();
  return workbench.waiting;
}

export const cursorTime = () => Math.round(player.position * 1e6) / 1e6;
const runAtCursor = () => deck.runs.findLast((run) => run.start <= player.position);

/**
 * The tools: task, key, name, explanation, action. Keys are as `keyName` writes them.
 * @type {[string, string, string, string, () => unknown][]}
 */
export const TOOLS = [
  ["Tempo", "Shift+x", "Half tempo", "Half the tempo: 174 becomes 87", () => edit({ op: "half" })],
  ["Tempo", "x", "Double tempo", "Twice the tempo: 87 becomes 174", () => edit({ op: "double" })],
  ["Tempo", "t", "Tap", "Tap the tempo: at least four beats, then wait", tap],
  ["Tempo", "3", "Anchor", "Put the cursor on a beat and press, then again on a beat far away: sets tempo and beats", anchor],
  ["Tempo", "b", "Type", "Type the tempo, then Enter", () => focusField(workbench.parts.bpm, true)],
  ["Beats", "h", "Half a beat", "Move all beats half a beat later, if the clicks fall between the kicks", () => edit({ op: "shift", beats: 0.5 })],
  ["Beats", "2", "Beat here", "Move the nearest beat to the cursor, and all others with it", () => edit({ op: "beat_at", time: cursorTime() })],
  ["Beats", "Shift+,", "−10 ms", "All beats 10 ms earlier", () => edit({ op: "nudge", ms: -10 })],
  ["Beats", ",", "−1 ms", "All beats 1 ms earlier", () => edit({ op: "nudge", ms: -1 })],
  ["Beats", ".", "+1 ms", "All beats 1 ms later", () => edit({ op: "nudge", ms: 1 })],
  ["Beats", "Shift+.", "+10 ms", "All beats 10 ms later", () => edit({ op: "nudge", ms: 10 })],
  ["Downbeat", "1", "Downbeat here", "A bar begins at the cursor", () => edit({ op: "at", time: cursorTime() })],
  ["Downbeat", "a", "One beat earlier", "The downbeat is one beat earlier", () => edit({ op: "one", beats: -1 })],
  ["Downbeat", "s", "One beat later", "The downbeat is one beat later", () => edit({ op: "one", beats: 1 })],
  ["Sections", "c", "Split here", "Begin a new section at the nearest bar line", () => edit({ op: "split", at: cursorTime() })],
  ["Sections", "w", "Move boundary here", "Move the nearest boundary here", moveBoundary],
  ["Sections", "v", "Remove boundary", "Remove the nearest boundary and join its two sections", () => edit({ op: "join", at: cursorTime() })],
  ["Sections", "f", "Next label", "Give the section at the cursor the next label", () => relabel(1)],
  ["Key", "y", "Choose key", "Choose the key", () => focusField(workbench.parts.key)],
  ["Undo", "u", "Undo", "Undo (Ctrl+Z)", undo],
  ["Undo", "Shift+u", "Redo", "Redo (Ctrl+Shift+Z)", redo],
  ["Undo", "0", "Reset", "Back to the computed result", () => edit({ op: "reset" })],
  ["Confirm", "Enter", "Confirm", "Everything is right: lock the track, and go to the next one to check", confirmAndGoOn],
  ["Confirm", "g", "Lock", "Everything is right: lock the track and stay here", () => edit({ op: deck.track.state?.confirmed ? "unconfirm" : "confirm" })],
  ["Confirm", "n", "Skip", "Go to the next track to check without confirming this one", () => openNext(nextToCheck())],
];

/** The keys of the tools that most grids need: always visible, in this order; the others are under *More*. */
export const PRIMARY = ["Shift+x", "x", "h", "1", "u", "Enter"];

/** Focus a field under *More*. */
function focusField(field, select = false) {
  openPopover($("more-tools"));
  field.focus();
  if (select) field.select();
}

/** Set the first anchor; a second one gives tempo and phase. */
function anchor() {
  if (workbench.anchor === null) {
    workbench.anchor = cursorTime();
    showMessage("First anchor set. Go to a beat far away and press Anchor (3) again.");
    return follow();
  }
  const first = workbench.anchor;
  workbench.anchor = null;
  return edit({ op: "anchors", first, second: cursorTime(), one: false });
}

/** Tap a tempo: taps are positions in the track while it plays, else times of the clock. */
function tap() {
  const now = playing() ? player.position : performance.now() / 1000;
  if (workbench.taps.length && (now < workbench.taps.at(-1) || now - workbench.taps.at(-1) > TAP_TIMEOUT)) workbench.taps = [];
  workbench.taps.push(now);
  clearTimeout(workbench.tapping);
  if (workbench.taps.length < MIN_TAPS) return showMessage(`${workbench.taps.length} of at least ${MIN_TAPS} taps`);
  const times = workbench.taps.map((time) => Math.max(time - (playing() ? 0 : workbench.taps[0]), 0));
  showMessage(`${bpmText((60 * (times.length - 1)) / (times.at(-1) - times[0]))} BPM tapped …`);
  workbench.tapping = setTimeout(() => { workbench.taps = []; edit({ op: "tap", times }); }, TAPS_END);
  return workbench.waiting;
}

function moveBoundary() {
  const starts = (deck.track.sections ?? []).slice(1).map(([start]) => start);
  if (!starts.length) return showMessage("There is no boundary.", true);
  return edit({ op: "boundary", from: nearestOf(starts, player.position), to: cursorTime() });
}

function relabel(step) {
  const run = runAtCursor();
  if (run) edit({ op: "label", at: cursorTime(), label: LABELS[(run.label + step + LABELS.length) % LABELS.length] });
}

/** The next track to check after the opened one in the list; undefined if there is none. */
function nextToCheck() {
  const at = table.shown.indexOf(deck.track);
  return [...table.shown.slice(at + 1), ...table.shown.slice(0, Math.max(at, 0))].find((track) => track.status === "check");
}

async function confirmAndGoOn() {
  const next = nextToCheck();
  if (!deck.track.state?.confirmed) await edit({ op: "confirm" });
  if (!workbench.isError) openNext(next);
}

function openNext(track) {
  if (track) showTrack(track);
  else showMessage("There are no more tracks to check in this list.");
}

/** Switch editing on or off. */
export function toggleWorkbench() {
  workbench.on = !workbench.on;
  writeStored("editing", workbench.on);
  if (deck.track && !deck.track.failure) showTools();
  return workbench.on;
}

/** The name of a key as in TOOLS; . and , by their position, for other keyboard layouts. */
function keyName({ key, code, shiftKey }) {
  const name = { Comma: ",", Period: "." }[code] ?? (key.length === 1 ? key.toLowerCase() : key);
  return shiftKey && /^[\w,.]$/.test(name) ? `Shift+${name}` : name;
}

/** Handle a key of the workbench; false if it is not one. */
export function workbenchKey(event) {
  const name = keyName(event);
  if (name === "e" && deck.track) toggleWorkbench();
  else if (!workbench.on || !deck.track?.duration || deck.track.failure) return false;
  else if (name === "Shift+f") relabel(-1);
  else if (/^[4-9]$/.test(name) && workbench.alternatives[Number(name) - 4]) edit(workbench.alternatives[Number(name) - 4].edit);
  else {
    const tool = TOOLS.find(([, key]) => key === name);
    if (!tool) return false;
    tool[4]();
  }
  return true;
}

/** Handle Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y; false for other keys. */
export function historyKey(event) {
  if (!workbench.on || !deck.track || !(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const name = event.key.toLowerCase();
  if (name === "y" || (name === "z" && event.shiftKey)) redo();
  else if (name === "z") undo();
  else return false;
  return true;
}
