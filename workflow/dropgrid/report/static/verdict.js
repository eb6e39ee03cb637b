// What is to be checked of a track, and why. Which tracks are is worked out by dropgrid
// (results/to_check.py); here it meets what a person does to a track in this page.

export const UNSURE = 0.8; // confidence below which a number is drawn as unsure
export const AGREED = 0.5; // BPM: further apart, two tempos disagree

/** "ok", "check" or "failed", and why. */
export function verdict(track) {
  if (track.failure) return ["failed", track.failure[2]];
  if (track.state?.confirmed || (track.confirmed && !track.state?.undo)) return ["ok", "Confirmed by you"];
  const corrected = track.state?.corrected ?? [];
  const found = (track.check ?? []).find(([part]) => !corrected.includes(part));
  if (found) return ["check", found[1]];
  return ["ok", track.duration === undefined && track.bpm === undefined ? "Not analysed yet" : ""];
}

/** How far a track's tempo is from its reference (BPM); 0 without one. */
export function disagreement(track) {
  return track.refBpm === undefined || track.bpm === undefined ? 0 : Math.abs(track.bpm - track.refBpm);
}
