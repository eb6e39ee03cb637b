// The two pictures of an opened track: the whole track above, the part around the position below.

import { deck, follow } from "./deck.js";
import { colours, drawBands, drawGrid, drawLane, drawRuler, drawSamples, drawWave, surface } from "./drawing.js";
import { workbench } from "./editor.js";
import { boundaryUnder, dragBoundary, drawEditMarks } from "./editor_panel.js";
import { DROP, LABELS } from "./labels.js";
import { player, seek } from "./player.js";
import { SHORT } from "./sections_and_facts.js";
import { titled } from "./text.js";
import { lastBefore, shownAround } from "./times.js";
import { library } from "./tracks.js";

export const LANE = 20; // px: height of a lane of sections
export const WAVE = 64; // px: height of the waveform of the whole track
export const RULER = 15; // px: height of the time ruler
const SAMPLES_BELOW = 3; // s: a close-up shorter than this shows samples, if they are loaded
const MIN_SPAN = 0.05; // s: shortest close-up
const DRAG_START = 4; // px that a pointer moves before it drags

/** The sections for drawLane: those of the track, and those of the reference. */
function lanes(track) {
  const own = deck.runs.map((run) => [run.start, run.end, titled(LABELS[run.label]), colours.sections[run.label], SHORT[run.label]]);
  const references = (track.refSections ?? []).map(([start, end, label], i) => [start, end, [i ? "" : "Reference", titled(label ?? "")].filter(Boolean).join(": "), colours.sections[LABELS.indexOf(label)] ?? colours.faint]);
  return [own, references];
}

export function drawDeck() {
  const { track } = deck;
  if (!track || track.failure || !track.duration) return;
  drawOverview();
  follow();
}

function drawOverview() {
  const { track, details: { wave, kick, middle, high }, parts } = deck;
  const whole = /** @type {[number, number]} */ ([0, track.duration]);
  const [own, references] = lanes(track);
  const [context, width] = surface(parts.overview);
  drawLane(context, own, whole, [0, LANE], width, true);
  markParts(context, whole, [0, LANE], width);
  if (kick.length) drawBands(context, [kick, middle, high], kick.length / track.duration, whole, [LANE + 3, WAVE], width);
  else drawWave(context, wave, [LANE + 3, WAVE], width);
  markPhrases(context, track, whole, [LANE, WAVE + 6], width);
  markKeys(context, track, whole, LANE, width);
  drawRuler(context, whole, track.duration, [LANE + WAVE + 8, RULER], width);
  drawLane(context, references, whole, [LANE + WAVE + RULER + 12, LANE], width, false);
  markDrops(context, track, whole, [LANE, WAVE + 8], width);
  if (workbench.boundary) {
    context.fillStyle = colours.ink;
    context.fillRect(Math.round((workbench.boundary.to / track.duration) * width) - 1, 0, 2, LANE + WAVE);
  }
}

/** Notches where sections of one label meet. */
function markParts(context, [from, to], [top, height], width) {
  context.fillStyle = colours.back;
  for (const run of deck.runs) {
    for (const part of run.parts.slice(1)) context.fillRect(Math.round(((part.start - from) / (to - from)) * width), top + height / 2, 1, height / 2);
  }
}

/** The part around the position, which is in the middle except near the ends of the track. */
export function drawCloseup() {
  const { track, details: { beats, downbeats, refBeats, wave, kick, middle, high }, parts, span } = deck;
  const [context, width, height] = surface(parts.closeup);
  const shown = shownAround(player.position, span, track.duration);
  const foot = refBeats.length ? 10 : 0;
  const room = /** @type {[number, number]} */ ([RULER + 14, height - RULER - 14 - LANE - foot - 4]);
  drawRuler(context, shown, track.duration, [0, RULER], width);
  const samples = span < SAMPLES_BELOW ? player.engine.samples?.() : null;
  if (samples) drawSamples(context, samples, shown, room, width);
  else drawBands(context, [kick, middle, high], wave.length / track.duration, shown, room, width);
  drawGrid(context, beats, downbeats, shown, [RULER, height - LANE - RULER - foot - 2], width);
  drawReferenceBeats(context, refBeats, shown, [height - LANE - foot - 2, foot], width);
  drawLane(context, lanes(track)[0], shown, [height - LANE, LANE], width, true);
  markParts(context, shown, [height - LANE, LANE], width);
  markDrops(context, track, shown, [RULER, height - LANE - RULER], width);
  drawEditMarks(context, shown, [RULER, height - LANE - RULER], width);
  if (player.loop) shadeOutside(context, player.loop, shown, [RULER, height - LANE - RULER], width);
}

function drawReferenceBeats(context, times, [from, to], [top, height], width) {
  context.fillStyle = colours.focus;
  for (let i = Math.max(lastBefore(times, from), 0); times[i] < to; i++) {
    context.fillRect(Math.round(((times[i] - from) / (to - from)) * width), top, 1, height);
  }
}

/** A short tick at the beginning of each phrase inside a section. */
function markPhrases(context, track, [from, to], [top, height], width) {
  context.fillStyle = colours.ink;
  context.globalAlpha = 0.55;
  for (const time of track.phrases ?? []) context.fillRect(Math.round(((time - from) / (to - from)) * width), top + height - 5, 1, 5);
  context.globalAlpha = 1;
}

/** The keys of a track whose key changes, each at its beginning. */
function markKeys(context, track, [from, to], top, width) {
  context.font = `600 10px ${colours.font}`;
  context.textBaseline = "top";
  for (const [start, key] of track.keyChanges ?? []) {
    const x = Math.round(((start - from) / (to - from)) * width);
    const text = library.keys[key] ?? key;
    context.fillStyle = colours.back;
    context.fillRect(x, top + 2, context.measureText(text).width + 7, 13);
    context.fillStyle = colours.ink;
    context.fillRect(x, top + 2, 1, 13);
    context.fillText(text, x + 4, top + 4);
  }
}

function markDrops(context, track, [from, to], [top, height], width) {
  for (const time of track.drops ?? []) {
    const x = Math.round(((time - from) / (to - from)) * width);
    if (x < 0 || x > width) continue;
    context.fillStyle = colours.sections[DROP];
    context.fillRect(x, top, 2, height);
    context.beginPath();
    context.moveTo(x - 5, top);
    context.lineTo(x + 7, top);
    context.lineTo(x + 1, top + 8);
    context.fill();
  }
}

/** Darken everything outside a loop. */
function shadeOutside(context, [start, end], [from, to], [top, height], width) {
  const x = (time) => Math.min(Math.max(((time - from) / (to - from)) * width, 0), width);
  context.fillStyle = colours.back;
  context.globalAlpha = 0.6;
  context.fillRect(0, top, x(start), height);
  context.fillRect(x(end), top, width - x(end), height);
  context.globalAlpha = 1;
}

/** Sixteen beats, or the whole track if it is shorter (s). */
export function startingZoom(track) {
  return Math.min(track.bpm ? (16 * 60) / track.bpm : 8, track.duration || 8);
}

/** Show more (factor > 1) or less around the position. */
export function zoomBy(factor) {
  const { duration } = deck.track;
  deck.span = Math.min(Math.max(deck.span * factor, MIN_SPAN), Math.max(duration, MIN_SPAN));
  follow();
}

export function wheel(event) {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) seek(player.position + ((event.deltaX || event.deltaY) / 800) * deck.span);
  else zoomBy(Math.exp(event.deltaY / 400));
}

/** The time at a pointer (s). */
export function timeUnder(event, canvas) {
  const share = (event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth;
  return canvas === deck.parts.overview ? share * deck.track.duration : shownAround(player.position, deck.span, deck.track.duration)[0] + share * deck.span;
}

const fingers = new Map(); // pointer id: x

const fingerDistance = () => Math.max(Math.abs([...fingers.values()].reduce((a, b) => a - b)), 1); // px

/**
 * A click sets the position. Dragging the overview scrubs; dragging the close-up moves the music
 * under the middle line; two fingers zoom.
 */
export function drag(event, canvas) {
  const boundary = boundaryUnder(event, canvas);
  if (boundary !== undefined) return dragBoundary(event, canvas, boundary);
  const [start, position] = [event.clientX, player.position];
  let moved = false;
  fingers.set(event.pointerId, event.clientX);
  canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (e) => {
    const distance = fingerDistance();
    if (fingers.has(e.pointerId)) fingers.set(e.pointerId, e.clientX);
    moved ||= Math.abs(e.clientX - start) > DRAG_START || fingers.size > 1;
    if (!moved) return;
    if (canvas === deck.parts.overview) seek(timeUnder(e, canvas));
    else if (fingers.size > 1) zoomBy(distance / fingerDistance());
    else seek(position - ((e.clientX - start) / canvas.clientWidth) * deck.span);
  };
  canvas.onpointerup = canvas.onpointercancel = (e) => {
    fingers.delete(e.pointerId);
    if (fingers.size) return;
    canvas.onpointermove = canvas.onpointerup = canvas.onpointercancel = null;
    if (!moved && e.type === "pointerup") seek(timeUnder(e, canvas));
  };
}
