// A track's status, and the reason to check it. dropgrid finds the tracks to check
// (results/to_check.py); a correction or confirmation on this page changes the status.

export const UNSURE = 0.8; // confidence below which a number is shown as unsure
export const MAX_DIFFERENCE = 0.5; // BPM between two tempos that agree

/** The status "ok", "check" or "failed", and the reason. */
export function verdict(track) {
  if (track.failure) return ["failed", track.failure[2]];
  if (track.state?.confirmed || (track.confirmed && !track.state?.undo)) return ["ok", "Confirmed by you"];
  const corrected = track.state?.corrected ?? [];
  const reason = (track.check ?? []).find(([part]) => !corrected.includes(part));
  if (reason) return ["check", reason[1]];
  return ["ok", track.duration === undefined && track.bpm === undefined ? "Not analysed yet" : ""];
}

/** The difference between a track's tempo and its reference (BPM); 0 without a reference. */
export function disagreement(track) {
  return track.refBpm === undefined || track.bpm === undefined ? 0 : Math.abs(track.bpm - track.refBpm);
}
