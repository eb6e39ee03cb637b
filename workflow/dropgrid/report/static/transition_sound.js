// A transition as sound: two tracks on one clock, their beats together. Nothing here knows the page.

const BASS = 180; // Hz: what changes places at the phrase
const CUT = -36; // dB: of the bass that is out
const HEADROOM = 0.7; // two full tracks at once
const DRIFT = 0.0002; // s: how far two beats may lie apart before the speed is set anew
const CURVE = 129; // points of a fade

/**
 * The speeds at which the next track keeps its beats on those of the first: [[beat, rate], ...].
 * Where both are steady there is one; where one of them drifts, a new one as soon as it is needed.
 */
export function speeds({ first, then }) {
  const found = /** @type {[number, number][]} */ ([]);
  let at = then[0]; // of the next track, at the beat
  let rate = 0;
  for (let i = 0; i + 1 < first.length; i++) {
    const step = first[i + 1] - first[i];
    if (!found.length || Math.abs(at + rate * step - then[i + 1]) > DRIFT) {
      rate = steadyRate(first, then, i, at);
      found.push([i, rate]);
    }
    at += rate * step;
  }
  return found;
}

/** The speed from a beat on that keeps as many of the coming beats together as one speed can. */
function steadyRate(first, then, i, at) {
  let best = (then[i + 1] - at) / (first[i + 1] - first[i]);
  for (let end = i + 2; end < first.length; end++) {
    const rate = (then[end] - at) / (first[end] - first[i]);
    for (let j = i + 1; j <= end; j++) {
      if (Math.abs(at + rate * (first[j] - first[i]) - then[j]) > DRIFT / 2) return best;
    }
    best = rate;
  }
  return best;
}

/**
 * Give both tracks to a context. buffers: of the first and the next one. aligned: as the server's
 * `into` has it. when: the context's time at which the first is heard from `lead`. Gives the
 * sources, and when all is over.
 */
export function schedule(context, buffers, aligned, when) {
  const { first, then, lead, end, swap, gains } = aligned;
  const at = (beat) => when + first[beat] - lead;
  const over = at(first.length - 1);
  const output = context.createGain();
  output.gain.value = HEADROOM;
  output.connect(context.destination);
  const sources = [0, 1].map((track) => {
    const source = context.createBufferSource();
    source.buffer = buffers[track];
    const bass = context.createBiquadFilter();
    Object.assign(bass, { type: "lowshelf" });
    bass.frequency.value = BASS;
    bass.gain.setValueAtTime(track ? CUT : 0, when);
    bass.gain.setValueAtTime(track ? CUT : 0, at(swap));
    bass.gain.linearRampToValueAtTime(track ? 0 : CUT, at(swap + 1));
    const fade = context.createGain();
    const shape = Float32Array.from({ length: CURVE }, (_, i) => gains[track] * (track ? Math.sin : Math.cos)((Math.PI / 2) * (i / (CURVE - 1))));
    fade.gain.setValueAtTime(shape[0], when);
    fade.gain.setValueCurveAtTime(shape, at(0), at(end) - at(0));
    source.connect(bass).connect(fade).connect(output);
    return source;
  });
  sources[0].start(when, lead, first[end] - lead);
  for (const [beat, rate] of speeds(aligned)) sources[1].playbackRate.setValueAtTime(rate, at(beat));
  sources[1].start(at(0), then[0]);
  sources[1].stop(over);
  return { sources, over };
}

/** The whole transition as samples: an AudioBuffer of two channels. */
export async function rendered(buffers, aligned) {
  const rate = buffers[0].sampleRate;
  const length = Math.ceil((aligned.first.at(-1) - aligned.lead) * rate);
  const context = new OfflineAudioContext(2, length, rate);
  schedule(context, buffers, aligned, 0);
  return context.startRendering();
}

/** Samples as a WAV file of 16 bits. channels: two Float32Arrays. */
export function wavOf([left, right], rate) {
  const data = new DataView(new ArrayBuffer(44 + 4 * left.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => data.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); data.setUint32(4, 36 + 4 * left.length, true); text(8, "WAVEfmt ");
  data.setUint32(16, 16, true); data.setUint16(20, 1, true); data.setUint16(22, 2, true);
  data.setUint32(24, rate, true); data.setUint32(28, 4 * rate, true); data.setUint16(32, 4, true); data.setUint16(34, 16, true);
  text(36, "data"); data.setUint32(40, 4 * left.length, true);
  const step = (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
  for (let i = 0; i < left.length; i++) {
    data.setInt16(44 + 4 * i, step(left[i]), true);
    data.setInt16(46 + 4 * i, step(right[i]), true);
  }
  return data.buffer;
}
