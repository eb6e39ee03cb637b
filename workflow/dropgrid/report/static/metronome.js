// The metronome: a click on every beat, a higher click on the downbeat, on the clock of the sound itself.

import { deck } from "./deck.js";
import { player, playing } from "./player.js";
import { comingBeats } from "./times.js";

const AHEAD = 0.2; // s: how far ahead clicks are scheduled
const INTERVAL = 40; // ms between two rounds of scheduling
const SLACK = 0.02; // s: by how much the two clocks may differ between two rounds
const MIN_GAP = 0.08; // s between two clicks
const CLICK = 0.03; // s
const PITCHES = [1174, 1760]; // Hz: of a beat, of a downbeat
export const metronome = { on: false, context: null, sounds: [], clicks: [], upTo: 0, last: 0, timer: 0, volume: 0.7 };

/** The audio clock and its output. Browsers start it only after the user has pressed something. */
export function audioContext() {
  metronome.context ??= new AudioContext({ latencyHint: "interactive" });
  if (metronome.context.state === "suspended") metronome.context.resume();
  return metronome.context;
}

/** The time on a context's clock of the sound that leaves the loudspeaker now. */
export function audibleTime(context) {
  const { contextTime, performanceTime } = context.getOutputTimestamp?.() ?? {};
  if (!performanceTime) return context.currentTime - (context.outputLatency || 0);
  return Math.min(contextTime + (performance.now() - performanceTime) / 1000, context.currentTime);
}

export function toggleMetronome() {
  metronome.on = !metronome.on;
  clearInterval(metronome.timer);
  if (metronome.on) {
    const context = audioContext();
    metronome.sounds = PITCHES.map((pitch) => clickSound(context, pitch));
    metronome.timer = setInterval(scheduleClicks, INTERVAL);
  }
  resetMetronome();
  return metronome.on;
}

/** A short falling tone that starts at its first sample. */
function clickSound(context, pitch) {
  const sound = context.createBuffer(1, Math.round(CLICK * context.sampleRate), context.sampleRate);
  const samples = sound.getChannelData(0);
  for (let i = 0; i < samples.length; i++) {
    const time = i / context.sampleRate;
    samples[i] = Math.cos(2 * Math.PI * pitch * time) * Math.exp(-time / 0.006);
  }
  return sound;
}

/** Cancel the clicks that are still to come: position, grid or speed has changed. */
export function resetMetronome() {
  for (const click of metronome.clicks) click.stop();
  Object.assign(metronome, { clicks: [], upTo: metronome.context?.currentTime ?? 0, last: -1 });
}

function scheduleClicks() {
  if (!metronome.on || !playing()) return;
  const context = audioContext();
  const moment = player.engine.moment();
  if (!moment) return;
  const until = context.currentTime + AHEAD;
  for (const [time, isDownbeat] of comingBeats(moment, until, deck.details, player.rate, player.loop, player.track.duration)) {
    if (time < metronome.upTo - SLACK || time - metronome.last < MIN_GAP) continue;
    playClick(context, Math.max(time, context.currentTime), isDownbeat);
    metronome.last = time;
  }
  metronome.upTo = until;
}

function playClick(context, time, isDownbeat) {
  const click = context.createBufferSource();
  const gain = context.createGain();
  gain.gain.value = metronome.volume * (isDownbeat ? 1 : 0.6);
  click.buffer = metronome.sounds[isDownbeat ? 1 : 0];
  click.connect(gain).connect(context.destination);
  click.start(time);
  click.onended = () => { metronome.clicks = metronome.clicks.filter((other) => other !== click); };
  metronome.clicks.push(click);
}
