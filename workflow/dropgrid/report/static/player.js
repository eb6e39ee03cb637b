// Playing a track. The position moves and can be set whether or not the browser can play the file.

import { remembered } from "./dom.js";
import { fileOf } from "./list_formats.js";
import { element } from "./media_player.js";
import { resetMetronome } from "./metronome.js";
import { library } from "./tracks.js";

const LEVEL = -18; // LUFS that levelled tracks play at; a browser can only make them quieter
export const player = { engine: /** @type {any} */ (element), track: null, position: 0, problem: "", levelled: false, loudness: remembered("volume") ?? 1, rate: 1, loop: null, changed: () => {} };

export const playing = () => player.engine.playing();

export function startPlayer(changed) {
  player.changed = changed;
  player.engine.start((code) => {
    if (code !== undefined) player.problem = unplayable(player.track, code);
    changed();
    if (playing()) requestAnimationFrame(moveOn);
    else resetMetronome();
  });
}

let moving = 0; // the animation frame that was asked for

/** Follow the sound, picture by picture, for as long as it plays. */
function moveOn() {
  cancelAnimationFrame(moving);
  if (!playing()) return;
  player.position = Math.min(player.engine.time(), player.track.duration);
  if (player.loop && player.position >= player.loop[1]) jump(player.loop[0]);
  player.changed();
  moving = requestAnimationFrame(moveOn);
}

/** Make a track the one that is played, at its beginning; null: none. */
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

/** Why this browser cannot play a track: "" if it can, or while it was not tried. code: of MediaError. */
function unplayable(track, code) {
  if (!track.audio) return "Where this track's audio lies is not known.";
  const ending = track.path.split(".").at(-1).toLowerCase();
  const kind = KINDS[ending];
  if (!library.served && kind && !element.audio.canPlayType(kind)) {
    return `This browser does not play ${ending.toUpperCase()} files. To listen, open the library with dropgrid open --results ${resultsPath()}, or use another browser.`;
  }
  if (code === undefined) return "";
  if (library.served || code === 3) return "This file is damaged, or of a kind that cannot be played here.";
  return `Not found, or not playable here: ${shownPath(track)}. Was the music moved? This links it again: dropgrid report --results ${resultsPath()} --library WHERE_IT_IS_NOW`;
}

/** Where the page looked for a track's audio, for reading. */
function shownPath(track) {
  const path = fileOf(track);
  return path.length > 160 ? `… ${path.slice(-150)}` : path;
}

/** The results folder that this page lies in, as it would be typed. */
function resultsPath() {
  if (location.protocol !== "file:") return "RESULTS";
  const path = fileOf({ audio: ".." }).replace(/\/$/, "");
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** How loud to play a track: as it is, or as loud as the others; 0..1. */
function volume(track) {
  if (!player.levelled || track?.lufs === undefined) return player.loudness;
  return player.loudness * Math.min(1, 10 ** ((LEVEL - track.lufs) / 20));
}

export function setVolume(loudness = player.loudness) {
  player.loudness = loudness;
  player.engine.setVolume(volume(player.track));
}

/** Play all tracks at one level, or as they are; which of them. */
export function toggleLevel() {
  player.levelled = !player.levelled;
  setVolume();
  return player.levelled;
}

/** Faster or slower; 1 is as recorded. */
export function setRate(rate) {
  player.rate = rate;
  player.engine.setRate(rate);
  resetMetronome();
}

function jump(time) {
  player.position = Math.min(Math.max(time, 0), player.track.duration);
  if (player.track.audio && !player.problem) player.engine.seek(player.position);
  resetMetronome();
}

export function seek(time) {
  if (!player.track?.duration) return;
  jump(time);
  player.changed();
}

/** Play the stretch [from, to) over and over; null: go on. */
export function setLoop(loop) {
  player.loop = loop;
  player.engine.setLoop(loop);
  if (loop && (player.position < loop[0] || player.position >= loop[1])) jump(loop[0]);
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
