// An ordered list: moving a track, and the courses of key and energy. Pure.

/** The ids with one of them moved to another index. */
export function moved(ids, id, index) {
  if (!ids.includes(id)) return ids;
  const rest = ids.filter((other) => other !== id);
  return rest.toSpliced(Math.min(Math.max(index, 0), rest.length), 0, id);
}

/**
 * The energy as points [x, y] from 0 to 1, and the keys as [x, y, key], y being the hour on the
 * Camelot wheel. The hour continues past 12 where that is the shorter way, so that neighbours on the
 * wheel are neighbours in the picture.
 */
export function courseLines(shown) {
  const x = (i) => (shown.length > 1 ? i / (shown.length - 1) : 0.5);
  const energy = shown.flatMap((track, i) => (track.energy === undefined ? [] : [[x(i), track.energy]]));
  let hour = /** @type {number | null} */ (null);
  const hours = shown.flatMap((track, i) => {
    if (!track.camelot || track.keyUnsure) return [];
    const next = parseInt(track.camelot, 10);
    hour = hour === null ? next : hour + ((next - hour + 600 + 5) % 12) - 5;
    return [[x(i), hour, track.camelot]];
  });
  const [low, high] = [Math.min(...hours.map(([, h]) => h)), Math.max(...hours.map(([, h]) => h))];
  const keys = hours.map(([at, h, key]) => [at, high > low ? (h - low) / (high - low) : 0.5, key]);
  return { energy, keys };
}
