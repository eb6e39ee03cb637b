// Drawing on canvases: sections, waveforms, beat grids.

import { all, make } from "./dom.js";
import { LABELS } from "./labels.js";
import { runs } from "./section_runs.js";
import { exactClock } from "./text.js";
import { lastBefore } from "./times.js";
import { miniature } from "./tracks.js";

export let colours = {};

/** Read the theme's colours; call it after a change of theme. */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = { sections: LABELS.map((label) => style.getPropertyValue(`--${label}`).trim()) };
  for (const name of ["ink", "soft", "faint", "line", "wave", "panel", "raised", "back", "focus", "low", "middle", "high"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
  colours.font = style.getPropertyValue("--sans");
}

/** A cleared 2D context in CSS pixels for a canvas of its current size.
 * @returns {[CanvasRenderingContext2D, number, number]} context, width, height */
export function surface(canvas) {
  return cleared(canvas, canvas.clientWidth, canvas.clientHeight);
}

/** The same for a canvas of a known size; a canvas that already has this size keeps its memory.
 * @returns {[CanvasRenderingContext2D, number, number]} context, width, height */
function cleared(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}

const spareCanvases = /** @type {any[]} */ ([]); // of rows that are not shown any more

/** A canvas for a table row, reused from an earlier row if possible; draw it again. */
export const miniatureCanvas = () => spareCanvases.pop() ?? make("canvas", { role: "img" });

/** Make the canvases of a row that is not shown any more available to other rows. */
export function recycleCanvases(row) {
  spareCanvases.push(...all(".dropmap canvas", row));
}

/** Draw the drop maps of table rows, given as [row, track]; all are as large as the first. */
export function drawMiniatures(rows) {
  const maps = rows.flatMap(([row, track]) => all(".dropmap canvas", row).map((canvas) => [canvas, track]));
  if (!maps.length) return;
  const { clientWidth: width, clientHeight: height } = maps[0][0]; // read once: each reading makes the browser lay out the page
  for (const [canvas, track] of maps) drawMiniature(cleared(canvas, width, height), track);
}

const sectionAt = (track, time) => (track.sections ?? []).findLast((section) => section[0] <= time);
const colourAt = (track, time) => colours.sections[sectionAt(track, time)?.[2]] ?? colours.wave;

/** The drop map of a table row: the waveform's bars in the colours of the sections. */
function drawMiniature([context, width, height], track) {
  const wave = miniature(track);
  const duration = track.duration;
  if (!duration) return;
  for (const { start, end, label } of runs(track)) {
    context.fillStyle = colours.sections[label];
    const [left, right] = [(start / duration) * width, (end / duration) * width];
    if (wave) context.fillRect(left, height - 3, Math.max(right - left - 1, 1), 3);
    else context.fillRect(left, height / 2 - 7, Math.max(right - left - 1, 1), 14);
  }
  if (!wave) return;
  const waveHeight = height - 6;
  const step = width / wave.length;
  let colour = "";
  for (let i = 0; i < wave.length; i++) {
    const next = colourAt(track, ((i + 0.5) / wave.length) * duration);
    if (next !== colour) context.fillStyle = colour = next;
    const tall = Math.max((wave[i] / 255) * waveHeight, 1);
    context.fillRect(i * step, waveHeight - tall, Math.max(step - 0.75, 0.75), tall);
  }
}

/** The maximum of a waveform within each pixel, between two times (s), as bytes. */
function peaks(wave, perSecond, [from, to], width) {
  const maxima = new Uint8Array(Math.ceil(width));
  const step = ((to - from) / width) * perSecond;
  for (let i = 0; i < maxima.length; i++) {
    const at = from * perSecond + i * step;
    const first = Math.floor(at);
    const last = Math.min(Math.max(Math.ceil(at + step), first + 1), wave.length);
    for (let j = Math.max(first, 0); j < last; j++) if (wave[j] > maxima[i]) maxima[i] = wave[j];
  }
  return maxima;
}

/** The waveform of a whole track without bands. */
export function drawWave(context, wave, [top, height], width) {
  const middle = top + height / 2;
  context.fillStyle = colours.wave;
  for (const [x, peak] of peaks(wave, wave.length / width, [0, width], width).entries()) {
    const tall = Math.max((peak / 255) * height, 1);
    context.fillRect(x, middle - tall / 2, 1, tall);
  }
}

/** @type {[string, number][]} */
const BANDS = [["low", 1], ["middle", 0.78], ["high", 0.5]]; // from back to front, with their relative heights

/** The waveforms of three bands, overlaid and centred. */
export function drawBands(context, bands, perSecond, shown, [top, height], width) {
  for (const [i, [name, tall]] of BANDS.entries()) {
    if (!bands[i].length) continue;
    const maxima = peaks(bands[i], perSecond, shown, width);
    const middle = top + height / 2;
    const scale = (tall * height) / 510;
    context.beginPath();
    context.moveTo(0, middle);
    for (const [x, peak] of maxima.entries()) context.lineTo(x + 0.5, middle - peak * scale);
    for (let x = maxima.length - 1; x >= 0; x--) context.lineTo(x + 0.5, middle + maxima[x] * scale);
    context.fillStyle = colours[name];
    context.fill();
  }
}

/** The lowest and highest sample of each pixel: {data, rate}, the first sample at 0 s. */
export function drawSamples(context, { data, rate }, [from, to], [top, height], width) {
  const middle = top + height / 2;
  const step = ((to - from) / width) * rate;
  context.fillStyle = colours.low;
  for (let x = 0; x < width; x++) {
    const first = Math.floor(from * rate + x * step);
    const last = Math.min(Math.max(Math.ceil(from * rate + (x + 1) * step), first + 2), data.length);
    let [low, high] = [1, -1];
    for (let i = Math.max(first, 0); i < last; i++) {
      if (data[i] < low) low = data[i];
      if (data[i] > high) high = data[i];
    }
    if (high >= low) context.fillRect(x, middle - (high * height) / 2, 1, Math.max(((high - low) * height) / 2, 1));
  }
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]; // s

/** A time ruler: a number at every step, as fine as fits, and five ticks between numbers. */
export function drawRuler(context, [from, to], end, [top, height], width) {
  const x = (time) => ((time - from) / (to - from)) * width;
  const step = STEPS.find((s) => (s / (to - from)) * width > 64) ?? 7200;
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  context.font = `10px ${colours.font}`;
  context.textBaseline = "middle";
  context.fillStyle = colours.faint;
  for (let i = Math.max(Math.ceil((5 * from) / step), 0); (i * step) / 5 < Math.min(to, end); i++) {
    const time = (i * step) / 5;
    const tall = i % 5 ? 3 : height;
    context.fillRect(Math.round(x(time)), top + height - tall, 1, tall);
    if (i % 5 === 0) context.fillText(exactClock(time, digits), Math.round(x(time)) + 4, top + height / 2);
  }
}

/**
 * A lane of sections [start, end, name, colour, short name], drawn from the last to the first,
 * because a name may extend over following sections without a name. A name that does not fit is
 * replaced by the short name.
 */
export function drawLane(context, sections, [from, to], [top, height], width, solid) {
  const x = (time) => ((time - from) / (to - from)) * width;
  context.font = `600 11px ${colours.font}`;
  context.textBaseline = "middle";
  for (const [i, [start, end, name, colour, short]] of [...sections.entries()].reverse()) {
    const [left, right] = [Math.max(x(start), 0), Math.min(x(end), width)];
    if (right <= left) continue;
    context.globalAlpha = solid ? 1 : 0.22;
    context.fillStyle = colour;
    context.fillRect(left, top, Math.max(right - left - 1, 1), height);
    context.globalAlpha = 1;
    if (!solid) context.fillRect(left, top, Math.max(right - left - 1, 1), 2);
    const room = (sections[i + 1]?.[2] === "" ? width : right) - left;
    const fitting = [name, short ?? ""].find((text) => context.measureText(text).width + 8 <= room);
    if (height < 12 || !fitting) continue;
    context.fillStyle = solid ? inkOn(colour) : colours.ink;
    context.fillText(fitting, left + Math.min(7, (room - context.measureText(fitting).width) / 2), top + height / 2 + 0.5);
  }
}

/** Black or white, whichever has more contrast with a colour #rrggbb. */
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => (parseInt(colour.slice(i, i + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#0b0d11" : "#ffffff";
}

/**
 * Beats as fine lines if they are far enough apart, downbeats as stronger lines with the numbers
 * of their bars; if bars are narrow, only every 4th, 8th, 16th ... has a number.
 */
export function drawGrid(context, beats, downbeats, [from, to], [top, height], width) {
  const x = (time) => Math.round(((time - from) / (to - from)) * width) + 0.5;
  const line = (time, colour, alpha, rise) => {
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    context.fillRect(x(time) - 0.5, top + height - rise, 1, rise);
    context.globalAlpha = 1;
  };
  const pixels = (times) => ((times.at(-1) - times[0]) / (times.length - 1) / (to - from)) * width;
  if (beats.length > 1 && pixels(beats) > 7) {
    for (let i = Math.max(lastBefore(beats, from), 0); beats[i] < to; i++) line(beats[i], colours.ink, 0.28, height);
  }
  if (downbeats.length < 2) return;
  const room = pixels(downbeats);
  const every = [1, 4, 8, 16, 32, 64].find((n) => n * room > 34) ?? 128;
  context.font = `10px ${colours.font}`;
  context.textBaseline = "top";
  for (let i = Math.max(lastBefore(downbeats, from), 0); downbeats[i] < to; i++) {
    if (i % every === 0) {
      line(downbeats[i], colours.ink, 0.75, height);
      context.fillStyle = colours.soft;
      context.fillText(String(i + 1), x(downbeats[i]) + 3, top + 2);
    } else if (room > 5) line(downbeats[i], colours.ink, 0.45, height * 0.9);
  }
}
