// Playing from samples: sound, metronome and pictures share one clock, and loops have no gap.
//
// The server decodes a file as the analysis did, so sample 0 is second 0 of the records. Tracks
// that are too long for this are played by the browser's own player.

import { element } from "./media_player.js";
import { audioContext, audibleTime } from "./metronome.js";
import { player } from "./player.js";

export const SAMPLE_RATE = 44100; // Hz
const FETCH_DELAY = 150; // ms that a track must stay open before its sound is fetched
const START_DELAY = 0.01; // s from scheduling a sound until it starts

export const sampled = {
  buffer: null, source: null, gain: null, usesElement: false, offset: 0, startedAt: 0, rate: 1, volume: 1, loop: null,
  ready: Promise.resolve(), stopFetching: null, changed: () => {},

  start(changed) {
    this.changed = changed;
    element.start((code) => { if (this.usesElement) changed(code); });
  },

  load(address) {
    this.pause();
    element.load(null);
    this.stopFetching?.abort();
    Object.assign(this, { buffer: null, usesElement: false, offset: 0, loop: null, ready: Promise.resolve() });
    if (!address) return;
    const stop = (this.stopFetching = new AbortController());
    this.ready = this.fetch(address, stop.signal).catch(() => {
      if (stop.signal.aborted) return;
      this.usesElement = true;
      element.load(address);
    });
  },

  /** Fetch and decode a track's sound; throws if that fails or another track was opened. */
  async fetch(address, signal) {
    await new Promise((resolve) => { setTimeout(resolve, FETCH_DELAY); });
    signal.throwIfAborted();
    const answer = await fetch(`${address}.wav`, { signal });
    if (!answer.ok) throw new Error(answer.statusText);
    const buffer = await new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(await answer.arrayBuffer());
    signal.throwIfAborted();
    this.buffer = buffer;
    this.mono = null;
    player.changed();
  },

  playing() { return this.usesElement ? element.playing() : this.source !== null; },

  /** The track's position at a time of the context's clock, while it plays. */
  at(context) {
    const time = this.offset + Math.max(context - this.startedAt, 0) * this.rate;
    const { loop } = this;
    if (loop && this.offset < loop[1] && time >= loop[1]) return loop[0] + ((time - loop[0]) % (loop[1] - loop[0]));
    return time;
  },

  time() {
    if (this.usesElement) return element.time();
    return this.source ? this.at(audibleTime(audioContext())) : this.offset;
  },

  async play(time) {
    const { ready } = this;
    await ready;
    if (ready !== this.ready) throw new DOMException("another track was opened", "AbortError");
    if (this.usesElement) return element.play(time);
    if (!this.buffer) throw new DOMException("nothing to play", "NotSupportedError");
    this.run(time);
    return this.changed();
  },

  /** Start the sound at a position of the track. */
  run(time) {
    const context = audioContext();
    this.halt();
    this.gain ??= context.createGain();
    this.gain.gain.value = this.volume;
    this.gain.connect(context.destination);
    const source = (this.source = context.createBufferSource());
    source.buffer = this.buffer;
    source.playbackRate.value = this.rate;
    if (this.loop && time < this.loop[1]) [source.loop, source.loopStart, source.loopEnd] = [true, ...this.loop];
    source.onended = () => {
      if (this.source !== source) return;
      this.source = null;
      this.offset = this.buffer.duration;
      this.changed();
    };
    source.connect(this.gain);
    [this.offset, this.startedAt] = [time, context.currentTime + START_DELAY];
    source.start(this.startedAt, time);
  },

  halt() {
    const { source } = this;
    this.source = null;
    source?.stop();
    source?.disconnect();
  },

  pause() {
    if (this.usesElement) element.pause();
    if (!this.source) return;
    this.offset = this.time();
    this.halt();
    this.changed();
  },

  seek(time) {
    if (this.usesElement) element.seek(time);
    else if (this.source) this.run(time);
    else this.offset = time;
  },

  setVolume(volume) {
    this.volume = volume;
    element.setVolume(volume);
    if (this.gain) this.gain.gain.value = volume;
  },

  setRate(rate) {
    element.setRate(rate);
    const time = this.time();
    this.rate = rate;
    if (this.source) this.run(time);
  },

  setLoop(loop) {
    const time = this.time();
    this.loop = this.usesElement ? null : loop;
    if (this.source) this.run(time);
  },

  moment() {
    if (this.usesElement) return element.moment();
    const context = audioContext().currentTime;
    return this.source && context >= this.startedAt ? { track: this.at(context), context } : null;
  },

  /** The samples of the mono mix, for the close-up; null until they are loaded. */
  samples() {
    if (!this.buffer) return null;
    this.mono ??= monoMix(this.buffer);
    return { data: this.mono, rate: this.buffer.sampleRate };
  },
};

/** The mean of a buffer's channels. */
function monoMix(buffer) {
  const mix = buffer.getChannelData(0).slice();
  for (let channel = 1; channel < buffer.numberOfChannels; channel++) {
    const other = buffer.getChannelData(channel);
    for (let i = 0; i < mix.length; i++) mix[i] += other[i];
  }
  if (buffer.numberOfChannels > 1) for (let i = 0; i < mix.length; i++) mix[i] /= buffer.numberOfChannels;
  return mix;
}
