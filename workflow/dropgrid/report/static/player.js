// Playing a track. The cursor moves and can be set whether or not the browser can play the file.

const LEVEL = -18; // LUFS that levelled tracks play at; a browser can only make them quieter
const player = { audio: new Audio(), track: null, position: 0, problem: "", levelled: false, changed: () => {} };
player.audio.preload = "none";

function startPlayer(changed) {
  player.changed = changed;
  const follow = () => {
    if (!player.audio.paused) {
      player.position = player.audio.currentTime;
      changed();
      requestAnimationFrame(follow);
    }
  };
  player.audio.addEventListener("playing", follow);
  for (const event of ["pause", "ended"]) player.audio.addEventListener(event, () => changed());
  player.audio.addEventListener("error", () => {
    if (!player.audio.getAttribute("src")) return;
    player.problem = "The browser cannot play this file: it was moved, or is of a format the browser does not know.";
    changed();
  });
}

/** Make a track the one that is played, at its beginning; null: none. */
function load(track) {
  player.audio.pause();
  player.track = track;
  player.position = 0;
  player.problem = track && !track.audio ? "Where this track's audio lies is not known." : "";
  player.audio.volume = volume(track);
  if (track?.audio) player.audio.src = track.audio;
  else player.audio.removeAttribute("src");
}

/** How loud to play a track: as it is, or as loud as the others. */
function volume(track) {
  if (!player.levelled || track?.lufs === undefined) return 1;
  return Math.min(1, 10 ** ((LEVEL - track.lufs) / 20));
}

/** Play all tracks at one level, or as they are; which of them. */
function toggleLevel() {
  player.levelled = !player.levelled;
  player.audio.volume = volume(player.track);
  return player.levelled;
}

function seek(time) {
  if (!player.track?.duration) return;
  player.position = Math.min(Math.max(time, 0), player.track.duration);
  if (player.track.audio && !player.problem) player.audio.currentTime = player.position;
  player.changed(true);
}

function togglePlay() {
  if (!player.track?.audio || player.problem) return;
  if (!player.audio.paused) {
    player.audio.pause();
    return;
  }
  player.audio.currentTime = player.position >= player.track.duration ? 0 : player.position;
  player.audio.play().catch((reason) => {
    if (reason.name === "AbortError") return; // another track was opened meanwhile
    player.problem ||= "The browser did not play this file.";
    player.changed();
  });
}
