// The deck: the opened track with its drop map, beat grid, references and facts.

import { $, make, writeStored } from "./dom.js";
import { workbench, toggleWorkbench } from "./editor.js";
import { boundaryUnder, showTools } from "./editor_panel.js";
import { LABELS } from "./labels.js";
import { whatToDo } from "./failure_advice.js";
import { mixBox, stopTransition, toggleMix } from "./mix_panel.js";
import { metronome, resetMetronome, toggleMetronome } from "./metronome.js";
import { drag, drawCloseup, LANE, RULER, startingZoom, timeUnder, WAVE, wheel, zoomBy } from "./pictures.js";
import { load, player, playing, seek, setLoop, setRate, setVolume, toggleLevel, togglePlay } from "./player.js";
import { runs } from "./section_runs.js";
import { facts, sectionTooltip, sectionList } from "./sections_and_facts.js";
import { bpmText, clock } from "./text.js";
import { lastBefore, shownAround } from "./times.js";

const NOTHING = new Uint8Array();
export const EMPTY = { beats: [], downbeats: [], refBeats: [], wave: NOTHING, kick: NOTHING, middle: NOTHING, high: NOTHING };
export const deck = { track: null, details: EMPTY, runs: [], span: 8, parts: {} };

/** Open a track: its facts at once, waveform and beats as soon as they are loaded. */
export async function openTrack(track) {
  if (deck.track === track) return;
  Object.assign(deck, { track, details: EMPTY, runs: runs(track), parts: {}, span: startingZoom(track) });
  Object.assign(workbench, { alternatives: [], preview: null, anchor: null, taps: [], boundary: null, message: "", isError: false, parts: {} });
  stopTransition();
  load(track.failure ? null : track);
  $("deck").replaceChildren(...(track.failure ? [deckHead(track), failureCard(track)] : deckParts(track)));
  showDeck(true);
  history.replaceState(null, "", `#track=${track.id}`);
  if (track.failure) return;
  showTools();
  try {
    const answer = await workbench.store.open(track);
    if (deck.track === track) showAnswer(answer);
  } catch (reason) {
    if (deck.track !== track) return;
    player.problem = reason instanceof ReferenceError ? "This browser is too old to show beats and waveform; only the sections are shown." : `Beats and waveform cannot be shown: ${reason.message}`;
    follow();
  }
}

/** Show the opened track as its store and its row now have it. */
export function showAnswer({ details, alternatives }) {
  const { track, parts } = deck;
  Object.assign(deck, { details, runs: runs(track) });
  Object.assign(workbench, { alternatives, preview: null });
  parts.bpm.textContent = bpmText(track.bpm) || "–";
  const scrolled = parts.side.firstChild.scrollTop;
  parts.side.replaceChildren(sectionList(track), facts(track));
  parts.side.firstChild.scrollTop = scrolled;
  resetMetronome();
  if (player.loop) player.loop = null;
  player.engine.setLoop(null);
  showTools();
}

function showDeck(shown) {
  $("deck").hidden = !shown;
  $("page-library").classList.toggle("opened", shown);
}

export function closeTrack() {
  load(null);
  deck.track = null;
  showDeck(false);
  history.replaceState(null, "", "#library");
  $("table").focus();
}

function deckHead(track, ...middle) {
  const close = make("button", { class: "quiet", "aria-label": "Close the track", onclick: closeTrack }, "✕");
  const subtitle = [track.artist, track.path].filter(Boolean).join(" · ");
  const names = make("div", { class: "deck-name" }, make("h2", {}, track.title), make("p", { title: track.path }, subtitle));
  return make("header", { class: "deck-head" }, ...middle.slice(0, 1), names, ...middle.slice(1), close);
}

function failureCard(track) {
  const [stage, type, message] = track.failure;
  return make(
    "div",
    { class: "failure" },
    make("p", { class: "failure-title" }, `Could not be analysed${stage ? ` (${stage})` : ""}`),
    make("p", { class: "failure-message" }, message || "No reason was recorded."),
    make("p", { class: "failure-advice" }, whatToDo(track.failure)),
    type ? make("p", { class: "failure-type" }, type) : null,
  );
}

const RATES = [0.5, 0.75, 0.9, 1, 1.1, 1.25];
const PLAY = '<svg viewBox="0 0 20 20" aria-hidden="true"><path class="on" d="M6 3.5v13l11-6.5z"/><path class="off" d="M5 3.5h3.5v13H5zm6.5 0H15v13h-3.5z"/></svg>';

function deckParts(track) {
  const { parts } = deck;
  parts.play = make("button", { class: "play", "aria-label": "Play", onclick: togglePlay });
  parts.play.innerHTML = PLAY;
  makePictures(track);
  parts.tools = make("section", { class: "tools-panel", "aria-label": "Workbench", hidden: true });
  parts.problem = make("p", { class: "deck-problem", role: "status" });
  const maps = make("div", { class: "maps" }, make("div", { class: "map" }, parts.overview, parts.window, parts.cursor), make("div", { class: "map" }, parts.closeup, parts.centre), deckBar(track), parts.problem);
  parts.bpm = make("b", { class: "number" }, bpmText(track.bpm) || "–");
  const bpm = make("div", { class: "deck-bpm" }, parts.bpm, make("span", {}, "BPM"));
  parts.side = make("div", { class: "side", id: "side" }, sectionList(track), facts(track));
  return [deckHead(track, parts.play, bpm), make("div", { class: "deck-body" }, maps, parts.side), parts.tools, make("div", { class: "popover-holder" }, mixBox())];
}

/** Make the canvases of the two pictures, and what moves over them. */
function makePictures(track) {
  const { parts } = deck;
  parts.overview = make("canvas", { class: "overview", "aria-hidden": "true" });
  parts.overview.style.height = `${LANE + WAVE + RULER + 8 + (track.refSections ? LANE + 4 : 0)}px`;
  parts.closeup = make("canvas", { class: "closeup", id: "closeup", tabindex: 0, role: "slider", "aria-label": "Position in the track", "aria-valuemin": 0, "aria-valuemax": Math.round(track.duration ?? 0) });
  parts.cursor = make("div", { class: "cursor" });
  parts.window = make("div", { class: "window" });
  parts.centre = make("div", { class: "cursor centre" });
  for (const canvas of [parts.overview, parts.closeup]) {
    canvas.addEventListener("pointerdown", (event) => drag(event, canvas));
    canvas.addEventListener("pointermove", (event) => {
      canvas.title = sectionTooltip(track, timeUnder(event, canvas));
      canvas.style.cursor = boundaryUnder(event, canvas) === undefined ? "" : "ew-resize";
    });
  }
  parts.closeup.addEventListener("wheel", wheel, { passive: false });
}

/** The bar below the pictures: position, and the controls of playing and viewing. */
function deckBar(track) {
  const { parts } = deck;
  parts.clock = make("span", { class: "deck-clock number" });
  parts.where = make("span", { class: "deck-where number" });
  const button = (name, title, press, attributes = {}) => make("button", { class: "quiet", title, onclick: press, ...attributes }, name);
  const pressed = (name, title, press, attributes) => button(name, title, (event) => event.currentTarget.setAttribute("aria-pressed", press()), attributes);
  parts.loop = button("Loop", "Repeat this section (L)", toggleLoop, { "aria-pressed": "false" });
  parts.more = button("Sections", "Sections and facts", () => parts.more.setAttribute("aria-expanded", parts.side.classList.toggle("open")), { class: "quiet more", "aria-expanded": "false", "aria-controls": "side" });
  const level = pressed("Level", "Play all tracks at the same loudness", toggleLevel, { class: "quiet level", "aria-pressed": player.levelled, hidden: track.lufs === undefined });
  const loud = make("input", { type: "range", min: 0, max: 1, step: 0.01, value: player.loudness, "aria-label": "Volume", title: "Volume", oninput: () => { setVolume(Number(loud.value)); writeStored("volume", player.loudness); } });
  parts.edit = button("Edit", "Correct tempo, beats, sections and key (E)", toggleWorkbench, { "aria-pressed": workbench.on });
  parts.mix = button("Mix", "What mixes with this track (Shift+M)", toggleMix, { "aria-haspopup": "true" });
  parts.metronome = pressed("Click", "Metronome on the beats (M)", toggleMetronome, { "aria-pressed": metronome.on });
  const rate = make("select", { class: "rate", "aria-label": "Speed", title: "Speed", onchange: () => setRate(Number(rate.value)) }, ...RATES.map((r) => make("option", { value: r, selected: r === player.rate }, `${r} ×`)));
  const zoom = [button("−", "Zoom out (−)", () => zoomBy(1.6), { "aria-label": "− Zoom out", class: "quiet zoom" }), button("+", "Zoom in (+)", () => zoomBy(1 / 1.6), { "aria-label": "+ Zoom in", class: "quiet zoom" })];
  return make("div", { class: "deck-bar" }, parts.clock, parts.where, make("div", { class: "deck-tools" }, parts.edit, parts.mix, parts.more, parts.metronome, parts.loop, level, rate, make("label", { class: "volume" }, loud), ...zoom));
}

/** Move the cursors, the clock and the marks to the current position. */
export function follow() {
  const { track, parts, span, details: { beats, downbeats } } = deck;
  if (!track || track.failure || !parts.clock) return;
  const { position } = player;
  parts.cursor.style.left = `${(position / track.duration) * 100}%`;
  const [from] = shownAround(position, span, track.duration);
  parts.window.style.left = `${(from / track.duration) * 100}%`;
  parts.centre.style.left = `${((position - from) / span) * 100}%`;
  parts.window.style.width = `${(span / track.duration) * 100}%`;
  drawCloseup();
  const bar = lastBefore(downbeats, position + 0.005);
  const beat = lastBefore(beats, position + 0.005) - (bar < 0 ? 0 : lastBefore(beats, downbeats[bar] + 0.005));
  const index = deck.runs.findLastIndex((run) => run.start <= position);
  parts.clock.textContent = `${clock(position, true)} / ${clock(track.duration, true)}`;
  parts.where.textContent = [bar < 0 ? "" : `bar ${bar + 1}.${beat + 1}`, index < 0 ? "" : LABELS[deck.runs[index].label]].filter(Boolean).join(" · ");
  if (parts.problem.textContent !== player.problem) parts.problem.textContent = player.problem;
  parts.play.setAttribute("aria-label", playing() ? "Pause" : "Play");
  parts.play.disabled = !track.audio || Boolean(player.problem);
  parts.loop.setAttribute("aria-pressed", player.loop !== null);
  parts.closeup.setAttribute("aria-valuenow", position.toFixed(1));
  parts.closeup.setAttribute("aria-valuetext", `${clock(position)}, ${parts.where.textContent}`);
  if (workbench.parts.label && index >= 0 && document.activeElement !== workbench.parts.label) workbench.parts.label.value = LABELS[deck.runs[index].label];
  markRun(index);
}

function markRun(index) {
  const rows = deck.parts.side.querySelectorAll("[data-section]");
  if (rows[index]?.classList.contains("now")) return;
  for (const [i, row] of rows.entries()) row.classList.toggle("now", i === index);
  const box = rows[index]?.closest(".sections");
  if (box) box.scrollTop = rows[index].offsetTop - box.clientHeight / 2;
}

/** Loop the run of sections at the position, or end the loop. */
function toggleLoop() {
  const run = deck.runs.findLast((r) => r.start <= player.position);
  setLoop(player.loop || !run ? null : [run.start, run.end]);
}

/** Handle a key of the deck; false if it is not one. */
export function deckKey(key, shift) {
  const { track, parts, details: { beats, downbeats }, runs: sections } = deck;
  if (!track || track.failure) return false;
  const { position } = player;
  const beat = 60 / (track.bpm ?? 120);
  const [steps, step] = shift ? [beats, beat] : [downbeats, 4 * beat];
  const starts = sections.map((run) => run.start);
  const actions = {
    " ": togglePlay,
    ArrowLeft: () => seek(steps[lastBefore(steps, position - 0.01)] ?? position - step),
    ArrowRight: () => seek(steps[lastBefore(steps, position + 0.01) + 1] ?? position + step),
    "+": () => zoomBy(1 / 1.6),
    "=": () => zoomBy(1 / 1.6),
    "-": () => zoomBy(1.6),
    d: () => seekNeighbour(track.drops ?? [], shift),
    j: () => seekNeighbour(starts, true),
    k: () => seekNeighbour(starts, false),
    l: toggleLoop,
    m: () => (shift ? toggleMix() : parts.metronome.setAttribute("aria-pressed", toggleMetronome())),
  };
  if (!(key in actions)) return false;
  actions[key]();
  return true;
}

/** Go to the next of some times, or to the previous one; wraps around at the ends. */
function seekNeighbour(times, back) {
  if (!times.length) return;
  const { position } = player;
  const next = times.find((time) => time > position + 0.01) ?? times[0];
  const before = times.findLast((time) => time < position - (playing() ? 0.5 : 0.01)) ?? times.at(-1);
  seek(back ? before : next);
}
