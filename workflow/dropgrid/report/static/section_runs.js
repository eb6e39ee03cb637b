// Neighbouring sections with the same label, combined.

/**
 * Neighbouring sections with the same label, combined: {start, end, label, bar, bars, confidence,
 * energy, parts}; confidence and energy are the means of the parts, weighted by their length.
 */
export function runs(track) {
  const combined = /** @type {any[]} */ ([]);
  for (const [i, [start, end, label, bar, bars, confidence]] of (track.sections ?? []).entries()) {
    const part = { start, end, bars, confidence, energy: track.energies?.[i] };
    const last = combined.at(-1);
    if (last?.label === label) Object.assign(last, { end, parts: [...last.parts, part] });
    else combined.push({ start, end, label, bar, parts: [part] });
  }
  for (const run of combined) {
    const sum = (valueOf) => run.parts.reduce((total, part) => total + valueOf(part), 0);
    run.bars = run.parts.some((part) => part.bars === null) ? null : sum((part) => part.bars);
    const mean = (valueOf) => sum((part) => valueOf(part) * (part.end - part.start)) / Math.max(run.end - run.start, 1e-9);
    run.confidence = mean((part) => part.confidence);
    if (track.energies) run.energy = mean((part) => part.energy);
  }
  return combined;
}

export const runAt = (track, time) => runs(track).findLast((run) => run.start <= time);
