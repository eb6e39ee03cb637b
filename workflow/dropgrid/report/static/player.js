// Playing a track. The position moves and can be set whether or not the browser can play the file.

const LEVEL = -18; // LUFS that levelled tracks play at; a browser can only make them quieter
const player = { audio: new Audio(), track: null, position: 0, problem: "", levelled: false, loudness: remembered("volume") ?? 1, loop: null, changed: () => {} };
player.audio.preload = "none";

const playing = () => !player.audio.paused;

function startPlayer(changed) {
  player.changed = changed;
  const follow = () => {
    if (!playing()) return;
    player.position = player.audio.currentTime;
    if (player.loop && player.position >= player.loop[1]) jump(player.loop[0]);
    changed();
    requestAnimationFrame(follow);
  };
  player.audio.addEventListener("playing", follow);
  for (const event of ["pause", "ended"]) player.audio.addEventListener(event, () => changed());
  player.audio.addEventListener("error", () => {
    if (!player.audio.getAttribute("src")) return;
    player.problem = unplayable(player.track, player.audio.error?.code);
    changed();
  });
}

/** Make a track the one that is played, at its beginning; null: none. */
function load(track) {
  player.audio.pause();
  Object.assign(player, { track, position: 0, loop: null, problem: track ? unplayable(track) : "" });
  setVolume();
  if (track?.audio && !player.problem) player.audio.src = track.audio;
  else player.audio.removeAttribute("src");
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
  if (kind && !player.audio.canPlayType(kind)) {
    return `This browser does not play ${ending.toUpperCase()} files. The analysis stands; to listen, try another browser or make a FLAC of it.`;
  }
  if (code === undefined) return "";
  if (code === 3) return "This file is damaged, or of a kind that this browser does not play.";
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

function setVolume(loudness = player.loudness) {
  player.loudness = loudness;
  player.audio.volume = volume(player.track);
}

/** Play all tracks at one level, or as they are; which of them. */
function toggleLevel() {
  player.levelled = !player.levelled;
  setVolume();
  return player.levelled;
}

/** Faster or slower, the pitch kept; 1 is as recorded. */
function setRate(rate) {
  player.audio.defaultPlaybackRate = player.audio.playbackRate = rate;
}

function jump(time) {
  player.position = Math.min(Math.max(time, 0), player.track.duration);
  if (player.track.audio && !player.problem) player.audio.currentTime = player.position;
}

function seek(time) {
  if (!player.track?.duration) return;
  jump(time);
  player.changed(true);
}

/** Play the stretch [from, to) over and over; null: go on. */
function setLoop(loop) {
  player.loop = loop;
  if (loop && (player.position < loop[0] || player.position >= loop[1])) jump(loop[0]);
  player.changed(true);
}

function togglePlay() {
  if (playing()) player.audio.pause();
  else startPlaying();
}

function startPlaying() {
  if (!player.track?.audio || player.problem || playing()) return;
  player.audio.currentTime = player.position >= player.track.duration ? 0 : player.position;
  player.audio.play().catch((reason) => {
    if (reason.name === "AbortError") return; // another track was opened meanwhile
    player.problem ||= "The browser did not play this file.";
    player.changed();
  });
}
