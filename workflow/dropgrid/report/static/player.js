// Playing a track. The position can be set whether or not the browser can play the file.

import { readStored } from "./dom.js";
import { fileOf } from "./list_formats.js";
import { element } from "./media_player.js";
import { resetMetronome } from "./metronome.js";
import { library } from "./tracks.js";

const LEVEL = -18; // LUFS of all tracks if they are levelled; a browser can only make them quieter
export const player = { engine: /** @type {any} */ (element), track: null, position: 0, problem: "", levelled: false, loudness: readStored("volume") ?? 1, rate: 1, loop: null, changed: () => {} };

export const playing = () => player.engine.playing();

export function startPlayer(changed) {
  player.changed = changed;
  player.engine.start((code) => {
    if (code !== undefined) player.problem = unplayable(player.track, code);
    changed();
    if (playing()) requestAnimationFrame(followSound);
    else resetMetronome();
  });
}

let animationFrame = 0; // the requested one

/** Update the position on every animation frame while the track plays. */
function followSound() {
  cancelAnimationFrame(animationFrame);
  if (!playing()) return;
  player.position = Math.min(player.engine.time(), player.track.duration);
  if (player.loop && player.position >= player.loop[1]) moveTo(player.loop[0]);
  player.changed();
  animationFrame = requestAnimationFrame(followSound);
}

/** Load a track at its beginning; null: unload. */
export function load(track) {
  Object.assign(player, { track, position: 0, loop: null, problem: track ? unplayable(track) : "" });
  player.engine.load(track?.audio && !player.problem ? track.audio : null);
  player.engine.setLoop(null);
  setVolume();
  resetMetronome();
}

const KINDS = {
  mp3: "audio/mpeg", flac: "audio/flac", ogg: "audio/ogg", oga: "audio/ogg", opus: "audio/ogg; codecs=opus", wav: "audio/wav",
  m4a: "audio/mp4", mp4: "audio/mp4", aac: "audio/aac", aif: "audio/aiff", aiff: "audio/aiff", aifc: "audio/aiff", wma: "audio/x-ms-wma",
  caf: "audio/x-caf", au: "audio/basic", wv: "audio/x-wavpack", ape: "audio/x-ape",
};

/** Why this browser cannot play a track; "" if it can, or was not tried yet. code: of a MediaError. */
function unplayable(track, code) {
  if (!track.audio) return "The location of this track's audio is unknown.";
  const ending = track.path.split(".").at(-1).toLowerCase();
  const kind = KINDS[ending];
  if (!library.served && kind && !element.audio.canPlayType(kind)) {
    return `This browser cannot play ${ending.toUpperCase()} files. To listen, run dropgrid open --results ${resultsPath()}, or use another browser.`;
  }
  if (code === undefined) return "";
  if (library.served || code === 3) return "This file is damaged, or its format cannot be played here.";
  return `Not found, or not playable here: ${shownPath(track)}. If you moved the music, link it again: dropgrid report --results ${resultsPath()} --library NEW_FOLDER`;
}

/** Where the page looked for a track's audio, shortened. */
function shownPath(track) {
  const path = fileOf(track);
  return path.length > 160 ? `… ${path.slice(-150)}` : path;
}

/** The results folder of this page, quoted for a shell. */
function resultsPath() {
  if (location.protocol !== "file:") return "RESULTS";
  const path = fileOf({ audio: ".." }).replace(/\/$/, "");
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The volume of a track, levelled or not; 0..1. */
function volume(track) {
  if (!player.levelled || track?.lufs === undefined) return player.loudness;
  return player.loudness * Math.min(1, 10 ** ((LEVEL - track.lufs) / 20));
}

export function setVolume(loudness = player.loudness) {
  player.loudness = loudness;
  player.engine.setVolume(volume(player.track));
}

/** Switch levelling on or off; returns whether it is on. */
export function toggleLevel() {
  player.levelled = !player.levelled;
  setVolume();
  return player.levelled;
}

/** Set the speed; 1 is the original. */
export function setRate(rate) {
  player.rate = rate;
  player.engine.setRate(rate);
  resetMetronome();
}

function moveTo(time) {
  player.position = Math.min(Math.max(time, 0), player.track.duration);
  if (player.track.audio && !player.problem) player.engine.seek(player.position);
  resetMetronome();
}

export function seek(time) {
  if (!player.track?.duration) return;
  moveTo(time);
  player.changed();
}

/** Repeat the range [from, to) (s); null: end the loop. */
export function setLoop(loop) {
  player.loop = loop;
  player.engine.setLoop(loop);
  if (loop && (player.position < loop[0] || player.position >= loop[1])) moveTo(loop[0]);
  player.changed();
}

export function togglePlay() {
  if (playing()) player.engine.pause();
  else startPlaying();
}

export function startPlaying() {
  if (!player.track?.audio || player.problem || playing()) return;
  const { track } = player;
  player.engine.setRate(player.rate);
  player.engine.play(player.position >= track.duration ? 0 : player.position).catch((reason) => {
    if (reason.name === "AbortError" || player.track !== track) return; // another track was opened meanwhile
    player.problem ||= unplayable(track, 3);
    player.changed();
  });
}
