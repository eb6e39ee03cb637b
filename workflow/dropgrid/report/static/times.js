// Finding times in ascending lists of them (seconds).

/** The index of the last time that is not after `time`; -1 before the first. */
export function lastBefore(times, time) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * The range [from, to) of a track to show around a position: the position is in the middle, except
 * near the ends of a track that is longer than the range.
 * @returns {[number, number]}
 */
export function shownAround(position, span, duration) {
  const from = span >= duration ? (duration - span) / 2 : Math.min(Math.max(position - span / 2, 0), duration - span);
  return [from, from + span];
}

/** The time in a list that is nearest to another time; that other time if the list is empty. */
export const nearestOf = (times, time) => times.reduce((a, b) => (Math.abs(b - time) < Math.abs(a - time) ? b : a), times[0] ?? time);

/**
 * The beats that sound until `until` on the clicks' clock, as [context time, is it a downbeat],
 * from the moment when position `track` (s) plays at `context` (s); rate: the speed; loop: [from,
 * to] in s, or null.
 */
export function comingBeats({ track, context }, until, { beats, downbeats }, rate, loop, duration) {
  const found = [];
  const isDownbeat = new Set(downbeats.map((time) => time.toFixed(3)));
  for (let guard = 0; context < until && track < duration && guard < 1000; guard++) {
    const end = loop && track < loop[1] ? loop[1] : duration;
    const stop = Math.min(end, track + (until - context) * rate);
    for (let i = lastBefore(beats, track - 1e-4) + 1; beats[i] < stop - 1e-6; i++) {
      found.push([context + (beats[i] - track) / rate, isDownbeat.has(beats[i].toFixed(3))]);
    }
    context += (stop - track) / rate;
    track = stop >= end && loop ? loop[0] : stop;
  }
  return found;
}
