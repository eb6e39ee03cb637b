// What is to be checked of a track, and why.

import { bpmText } from "./text.js";

export const UNSURE = 0.8; // below this confidence tempo and beats want a human ear
const ONE_UNSURE = 0.6; // below this a downbeat is to be checked
export const AGREED = 0.5; // BPM: further apart, two tempos disagree

/** "ok", "check" or "failed", and why. */
export function verdict(track) {
  if (track.failure) return ["failed", track.failure[2]];
  if (track.state?.confirmed) return ["ok", "Confirmed by you"];
  if (track.problem) return ["check", `The file: ${track.problem}`];
  if (track.bpm !== undefined && track.confidence < UNSURE) {
    return ["check", `${doubted(track)} (confidence ${track.confidence.toFixed(2)})`];
  }
  if (track.confidences?.[3] < ONE_UNSURE) {
    return ["check", `The downbeat may be on another beat (confidence ${track.confidences[3].toFixed(2)})`];
  }
  if (disagreement(track) > AGREED) {
    return ["check", `The reference says ${bpmText(track.refBpm)}`];
  }
  const heard = track.source === "computed" ? track.bpm : track.computed;
  if (track.tag !== undefined && heard !== undefined && Math.abs(track.tag - heard) > AGREED) {
    return ["check", `The file's tag says ${bpmText(track.tag)}, the audio ${bpmText(heard)}`];
  }
  if (track.tagKey && track.key && track.tagKey !== track.key && !track.keyUnsure && track.keyConfidence >= UNSURE) {
    return ["check", `The file's tag says ${track.tagKey}, the audio ${track.key}`];
  }
  if ((track.grid ?? []).length > 1) return ["check", `The tempo changes (${track.grid.length} grid regions)`];
  if (track.twins) return ["check", `There more than once: ${track.twins.join(", ")}`];
  return ["ok", track.duration === undefined && track.bpm === undefined ? "Not analysed yet" : ""];
}

/** What a low confidence is about: the least certain of its parts. */
function doubted(track) {
  const parts = (track.confidences ?? []).slice(0, 3);
  const least = parts.indexOf(Math.min(...parts));
  return ["The tempo is unsure", "It may be half or twice the tempo", "The beats may lie half a beat off"][least] ?? "The tempo is unsure";
}

/** How far a track's tempo is from its reference (BPM); 0 without one. */
export function disagreement(track) {
  return track.refBpm === undefined || track.bpm === undefined ? 0 : Math.abs(track.bpm - track.refBpm);
}
