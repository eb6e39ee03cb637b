// The workbench: what a person does to an opened track by button and key. The edits are kept by a
// store: this browser (ownfile.js), or the program that serves the page (server.js).

import { showTrack } from "./application.js";
import { ownFile } from "./browser_corrections.js";
import { deck, follow, takeAnswer } from "./deck.js";
import { $, remember } from "./dom.js";
import { showState, showTools } from "./editor_panel.js";
import { LABELS } from "./labels.js";
import { player, playing } from "./player.js";
import { openPopover } from "./popovers.js";
import { refresh, table } from "./table.js";
import { bpmText } from "./text.js";
import { nearestOf } from "./times.js";
import { library } from "./tracks.js";

const LOOK_BACK = 2.5; // s without a tap after which tapping begins anew
export const bench = { on: false, store: /** @type {any} */ (ownFile), ghosts: [], ghost: null, anchor: null, taps: [], boundary: null, said: "", wrong: false, busy: 0, waiting: Promise.resolve(), parts: {} };

/** Make edits of the opened track, as one step of undo; after those that are under way. */
export function edit(...edits) {
  const { track } = deck;
  if (!track?.duration || track.failure) return bench.waiting;
  return act((store) => {
    if (track.state?.confirmed && edits[0].op !== "unconfirm") throw new Error("This track is confirmed and locked. Press G to unlock.");
    return store.edit(track, edits);
  });
}

const undo = () => act((store) => store.undo(deck.track));
const redo = () => act((store) => store.redo(deck.track));

function act(work) {
  const { track } = deck;
  bench.busy += 1;
  bench.waiting = bench.waiting.then(async () => {
    say("Saving …");
    try {
      const found = await work(bench.store);
      say(library.served ? "Saved" : "Kept in this browser; Download saves the file");
      refresh();
      if (deck.track === track) takeAnswer(found);
    } catch (error) {
      say(error.message, true);
    }
    bench.busy -= 1;
  });
  return bench.waiting;
}

/** Say what is saved, running or wrong. */
export function say(text, wrong = false) {
  Object.assign(bench, { said: text, wrong });
  showState();
  return bench.waiting;
}

export const here = () => Math.round(player.position * 1e6) / 1e6;
const labelHere = () => deck.runs.findLast((run) => run.start <= player.position);

/**
 * What can be done: the task it belongs to, its key, its name, what it is, what it does. Keys are
 * as `keyName` writes them.
 * @type {[string, string, string, string, () => unknown][]}
 */
export const TOOLS = [
  ["Tempo", "Shift+x", "Half tempo", "Half the tempo: 174 becomes 87", () => edit({ op: "half" })],
  ["Tempo", "x", "Double tempo", "Twice the tempo: 87 becomes 174", () => edit({ op: "double" })],
  ["Tempo", "t", "Tap", "Tap the tempo: at least four beats, then wait", tap],
  ["Tempo", "3", "Anchor", "Put the cursor on a beat and press; again on a beat far away: tempo and beats follow", anchor],
  ["Tempo", "b", "Type", "Type the tempo, then Enter", () => reach(bench.parts.bpm, true)],
  ["Beats", "h", "Half a beat", "All beats half a beat later: clicks between the kicks move onto them", () => edit({ op: "shift", beats: 0.5 })],
  ["Beats", "2", "Beat here", "The nearest beat moves to the cursor, and all others with it", () => edit({ op: "beat_at", time: here() })],
  ["Beats", "Shift+,", "−10 ms", "All beats 10 ms earlier", () => edit({ op: "nudge", ms: -10 })],
  ["Beats", ",", "−1 ms", "All beats 1 ms earlier", () => edit({ op: "nudge", ms: -1 })],
  ["Beats", ".", "+1 ms", "All beats 1 ms later", () => edit({ op: "nudge", ms: 1 })],
  ["Beats", "Shift+.", "+10 ms", "All beats 10 ms later", () => edit({ op: "nudge", ms: 10 })],
  ["Downbeat", "1", "Downbeat here", "The bar begins at the cursor", () => edit({ op: "at", time: here() })],
  ["Downbeat", "a", "One beat earlier", "The downbeat is one beat earlier", () => edit({ op: "one", beats: -1 })],
  ["Downbeat", "s", "One beat later", "The downbeat is one beat later", () => edit({ op: "one", beats: 1 })],
  ["Sections", "c", "Split here", "A section begins here, at the nearest bar line", () => edit({ op: "split", at: here() })],
  ["Sections", "w", "Move boundary here", "The nearest boundary moves here", moveBoundary],
  ["Sections", "v", "Remove boundary", "The nearest boundary goes: its two sections become one", () => edit({ op: "join", at: here() })],
  ["Sections", "f", "Next label", "The next label for the section at the cursor", () => relabel(1)],
  ["Key", "y", "Choose key", "Choose the key", () => reach(bench.parts.key)],
  ["Undo", "u", "Undo", "Undo (Ctrl+Z)", undo],
  ["Undo", "Shift+u", "Redo", "Redo (Ctrl+Shift+Z)", redo],
  ["Undo", "0", "Reset", "Back to the computed answer", () => edit({ op: "reset" })],
  ["Confirm", "Enter", "Confirm", "Everything is right: lock the track, and go to the next one to check", confirmAndGoOn],
  ["Confirm", "g", "Lock", "Everything is right: lock the track and stay here", () => edit({ op: deck.track.state?.confirmed ? "unconfirm" : "confirm" })],
  ["Confirm", "n", "Skip", "Go to the next track to check without confirming this one", () => goOn(nextToCheck())],
];

/** What most grids want: always in sight, in this order; the other tools are under *More*. */
export const PRIMARY = ["Shift+x", "x", "h", "1", "u", "Enter"];

/** Go to a field that lies under *More*. */
function reach(field, select = false) {
  openPopover($("more-tools"));
  field.focus();
  if (select) field.select();
}

/** A second anchor gives tempo and phase; the first is remembered until then. */
function anchor() {
  if (bench.anchor === null) {
    bench.anchor = here();
    say("First anchor set. Go to a beat far away and press Anchor (3) again.");
    return follow();
  }
  const first = bench.anchor;
  bench.anchor = null;
  return edit({ op: "anchors", first, second: here(), one: false });
}

/** Taps are taken at the position where the music plays, else by the clock. */
function tap() {
  const now = playing() ? player.position : performance.now() / 1000;
  if (bench.taps.length && (now < bench.taps.at(-1) || now - bench.taps.at(-1) > LOOK_BACK)) bench.taps = [];
  bench.taps.push(now);
  clearTimeout(bench.tapping);
  if (bench.taps.length < 4) return say(`${bench.taps.length} of at least 4 taps`);
  const times = bench.taps.map((time) => Math.max(time - (playing() ? 0 : bench.taps[0]), 0));
  say(`${bpmText((60 * (times.length - 1)) / (times.at(-1) - times[0]))} BPM tapped …`);
  bench.tapping = setTimeout(() => { bench.taps = []; edit({ op: "tap", times }); }, 1200);
  return bench.waiting;
}

function moveBoundary() {
  const starts = (deck.track.sections ?? []).slice(1).map(([start]) => start);
  if (!starts.length) return say("There is no boundary.", true);
  return edit({ op: "boundary", from: nearestOf(starts, player.position), to: here() });
}

function relabel(step) {
  const run = labelHere();
  if (run) edit({ op: "label", at: here(), label: LABELS[(run.label + step + LABELS.length) % LABELS.length] });
}

/** The next track to check after the opened one, as the list now stands; undefined: none is left. */
function nextToCheck() {
  const at = table.shown.indexOf(deck.track);
  return [...table.shown.slice(at + 1), ...table.shown.slice(0, Math.max(at, 0))].find((track) => track.status === "check");
}

async function confirmAndGoOn() {
  const next = nextToCheck();
  if (!deck.track.state?.confirmed) await edit({ op: "confirm" });
  if (!bench.wrong) goOn(next);
}

function goOn(track) {
  if (track) showTrack(track);
  else say("No track is left to check in this list.");
}

/** Switch editing on or off. */
export function toggleBench() {
  bench.on = !bench.on;
  remember("editing", bench.on);
  if (deck.track && !deck.track.failure) showTools();
  return bench.on;
}

/** The name of a key as TOOLS has it; of . and , by their place, for keyboards of other lands. */
function keyName({ key, code, shiftKey }) {
  const name = { Comma: ",", Period: "." }[code] ?? (key.length === 1 ? key.toLowerCase() : key);
  return shiftKey && /^[\w,.]$/.test(name) ? `Shift+${name}` : name;
}

/** The workbench's own keys; true if the key was one. */
export function benchKey(event) {
  const name = keyName(event);
  if (name === "e" && deck.track) toggleBench();
  else if (!bench.on || !deck.track?.duration || deck.track.failure) return false;
  else if (name === "Shift+f") relabel(-1);
  else if (/^[4-9]$/.test(name) && bench.ghosts[Number(name) - 4]) edit(bench.ghosts[Number(name) - 4].edit);
  else {
    const tool = TOOLS.find(([, key]) => key === name);
    if (!tool) return false;
    tool[4]();
  }
  return true;
}

/** Ctrl+Z and its like; true if the key was one. */
export function historyKey(event) {
  if (!bench.on || !deck.track || !(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const name = event.key.toLowerCase();
  if (name === "y" || (name === "z" && event.shiftKey)) redo();
  else if (name === "z") undo();
  else return false;
  return true;
}
