// A transition as sound: two tracks on one clock, with aligned beats. Independent of the page.

const BASS = 180; // Hz: below this, the tracks swap at the phrase
const CUT = -36; // dB: gain of the bass that is cut
const HEADROOM = 0.7; // gain for two full tracks at once
const MAX_DRIFT = 0.0002; // s between two aligned beats before the speed is changed
const CURVE = 129; // points of a fade

/**
 * The speeds [[beat, rate], ...] that keep the beats of the second track on those of the first: a
 * single speed if both are steady, else a new one whenever it is needed.
 */
export function speeds({ first, second }) {
  const found = /** @type {[number, number][]} */ ([]);
  let at = second[0]; // position of the second track at the beat
  let rate = 0;
  for (let i = 0; i + 1 < first.length; i++) {
    const step = first[i + 1] - first[i];
    if (!found.length || Math.abs(at + rate * step - second[i + 1]) > MAX_DRIFT) {
      rate = steadyRate(first, second, i, at);
      found.push([i, rate]);
    }
    at += rate * step;
  }
  return found;
}

/** The speed that keeps as many beats from beat i on aligned as a single speed can. */
function steadyRate(first, second, i, at) {
  let best = (second[i + 1] - at) / (first[i + 1] - first[i]);
  for (let end = i + 2; end < first.length; end++) {
    const rate = (second[end] - at) / (first[end] - first[i]);
    for (let j = i + 1; j <= end; j++) {
      if (Math.abs(at + rate * (first[j] - first[i]) - second[j]) > MAX_DRIFT / 2) return best;
    }
    best = rate;
  }
  return best;
}

/**
 * Schedule both tracks on a context. buffers: of the first and the second track. aligned: from the
 * server's address `into`. when: the context's time at which the first track plays from `lead`.
 * Returns the sources, and the context's time at which the transition ends.
 */
export function schedule(context, buffers, aligned, when) {
  const { first, second, lead, end } = aligned;
  const at = (beat) => when + first[beat] - lead;
  const endTime = at(first.length - 1);
  const output = context.createGain();
  output.gain.value = HEADROOM;
  output.connect(context.destination);
  const sources = [0, 1].map((track) => {
    const source = context.createBufferSource();
    source.buffer = buffers[track];
    source.connect(bassFilter(context, track, aligned, when, at)).connect(fade(context, track, aligned, when, at)).connect(output);
    return source;
  });
  sources[0].start(when, lead, first[end] - lead);
  for (const [beat, rate] of speeds(aligned)) sources[1].playbackRate.setValueAtTime(rate, at(beat));
  sources[1].start(at(0), second[0]);
  sources[1].stop(endTime);
  return { sources, endTime };
}

/** The filter that swaps the bass of the two tracks. track: 0 or 1; at: the time of a beat. */
function bassFilter(context, track, { swap }, when, at) {
  const bass = context.createBiquadFilter();
  Object.assign(bass, { type: "lowshelf" });
  bass.frequency.value = BASS;
  bass.gain.setValueAtTime(track ? CUT : 0, when);
  bass.gain.setValueAtTime(track ? CUT : 0, at(swap));
  bass.gain.linearRampToValueAtTime(track ? 0 : CUT, at(swap + 1));
  return bass;
}

/** The fade-out of track 0 or the fade-in of track 1, with constant power. */
function fade(context, track, { gains, end }, when, at) {
  const gain = context.createGain();
  const curve = Float32Array.from({ length: CURVE }, (_, i) => gains[track] * (track ? Math.sin : Math.cos)((Math.PI / 2) * (i / (CURVE - 1))));
  gain.gain.setValueAtTime(curve[0], when);
  gain.gain.setValueCurveAtTime(curve, at(0), at(end) - at(0));
  return gain;
}

/** The whole transition as samples: an AudioBuffer of two channels. */
export async function rendered(buffers, aligned) {
  const rate = buffers[0].sampleRate;
  const length = Math.ceil((aligned.first.at(-1) - aligned.lead) * rate);
  const context = new OfflineAudioContext(2, length, rate);
  schedule(context, buffers, aligned, 0);
  return context.startRendering();
}

/** A stereo WAV file with 16 bits per sample. */
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
