// A list in order: moving a track, and the courses of key and energy over it. Pure.

/** The ids with one of them at another place. */
export function moved(ids, id, place) {
  if (!ids.includes(id)) return ids;
  const rest = ids.filter((other) => other !== id);
  return rest.toSpliced(Math.min(Math.max(place, 0), rest.length), 0, id);
}

/**
 * Points [x, y] from 0 to 1: of the energy, and of the key by its hour on Camelot's wheel with the
 * key itself as a third. The hour goes on past 12 where that way is shorter, so that neighbours on
 * the wheel are neighbours in the picture.
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
