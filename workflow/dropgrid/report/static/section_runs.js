// Neighbouring sections of one label, read as one.


/**
 * Neighbouring sections of one label read as one: {start, end, label, bar, bars, confidence, energy,
 * parts}, confidence and energy being those of its parts by their length.
 */
export function runs(track) {
  const found = /** @type {any[]} */ ([]);
  for (const [i, [start, end, label, bar, bars, confidence]] of (track.sections ?? []).entries()) {
    const part = { start, end, bars, confidence, energy: track.energies?.[i] };
    const last = found.at(-1);
    if (last?.label === label) Object.assign(last, { end, parts: [...last.parts, part] });
    else found.push({ start, end, label, bar, parts: [part] });
  }
  for (const run of found) {
    const sum = (of) => run.parts.reduce((total, part) => total + of(part), 0);
    run.bars = run.parts.some((part) => part.bars === null) ? null : sum((part) => part.bars);
    const mean = (of) => sum((part) => of(part) * (part.end - part.start)) / Math.max(run.end - run.start, 1e-9);
    run.confidence = mean((part) => part.confidence);
    if (track.energies) run.energy = mean((part) => part.energy);
  }
  return found;
}

export const runAt = (track, time) => runs(track).findLast((run) => run.start <= time);
