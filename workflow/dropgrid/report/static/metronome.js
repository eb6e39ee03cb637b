// The metronome: a click on every beat, a higher click on the downbeat, on the clock of the sound itself.

import { deck } from "./deck.js";
import { player, playing } from "./player.js";
import { comingBeats } from "./times.js";

const AHEAD = 0.2; // s: how far ahead clicks are given to the sound card
const EVERY = 40; // ms between looks at what comes next
const SLACK = 0.02; // s: by how much the two clocks may disagree between two looks
const CLICK = 0.03; // s
const PITCHES = [1174, 1760]; // Hz: a beat, the downbeat
export const metronome = { on: false, context: null, sounds: [], clicks: [], upTo: 0, last: 0, timer: 0, volume: 0.7 };

/** The clock of all that is made here, and its output. Browsers start it at a press of the user's. */
export function audioContext() {
  metronome.context ??= new AudioContext({ latencyHint: "interactive" });
  if (metronome.context.state === "suspended") metronome.context.resume();
  return metronome.context;
}

/** The time on a context's clock of what is heard now: what is computed now is heard later. */
export function heard(context) {
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
    metronome.timer = setInterval(giveClicks, EVERY);
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

/** Take back what was given and is not heard yet: the position, the grid or the rate has changed. */
export function resetMetronome() {
  for (const click of metronome.clicks) click.stop();
  Object.assign(metronome, { clicks: [], upTo: metronome.context?.currentTime ?? 0, last: -1 });
}

function giveClicks() {
  if (!metronome.on || !playing()) return;
  const context = audioContext();
  const moment = player.engine.moment();
  if (!moment) return;
  const until = context.currentTime + AHEAD;
  for (const [time, one] of comingBeats(moment, until, deck.details, player.rate, player.loop, player.track.duration)) {
    if (time < metronome.upTo - SLACK || time - metronome.last < 0.08) continue;
    const click = context.createBufferSource();
    const gain = context.createGain();
    gain.gain.value = metronome.volume * (one ? 1 : 0.6);
    click.buffer = metronome.sounds[one ? 1 : 0];
    click.connect(gain).connect(context.destination);
    click.start(Math.max(time, context.currentTime));
    click.onended = () => { metronome.clicks = metronome.clicks.filter((other) => other !== click); };
    metronome.clicks.push(click);
    metronome.last = time;
  }
  metronome.upTo = until;
}
