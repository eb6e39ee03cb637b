// The data of the page and how it is put into words.

const $ = (id) => document.getElementById(id);
const parsed = (id) => JSON.parse($(id).textContent);

const library = parsed("data-library");
library.served = "revision" in library; // by dropgrid open, not opened from the file system
const tracks = library.tracks;
const LABELS = library.labels;
const DROP = LABELS.indexOf("drop");
const UNSURE = 0.8; // below this confidence tempo and beats want a human ear
const ONE_UNSURE = 0.6; // below this a downbeat is to be checked
const AGREED = 0.5; // BPM: further apart, two tempos disagree

/** "ok", "check" or "failed", and why. */
function verdict(track) {
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
  return ["ok", ""];
}

/** What a low confidence is about: the least certain of its parts. */
function doubted(track) {
  const parts = (track.confidences ?? []).slice(0, 3);
  const least = parts.indexOf(Math.min(...parts));
  return ["The tempo is unsure", "It may be half or twice the tempo", "The beats may lie half a beat off"][least] ?? "The tempo is unsure";
}

/** How far a track's tempo is from its reference (BPM); 0 without one. */
function disagreement(track) {
  return track.refBpm === undefined || track.bpm === undefined ? 0 : Math.abs(track.bpm - track.refBpm);
}

/** Text for searching: lower case, without accents. */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

let lines = null;

/**
 * What only an opened track needs: beats, downbeats, refBeats (s), and four waveforms of bytes:
 * wave, and its bands kick, middle, high. See report/encode.py.
 */
async function details(track) {
  lines ??= $("data-details").textContent.split("\n");
  const packed = Uint8Array.from(atob(lines[track.index]), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const view = new DataView(buffer);
  let at = 16;
  const times = (count) => {
    const found = [];
    let ticks = 0;
    for (const end = at + 2 * count; at < end; at += 2) {
      const step = view.getUint16(at, true);
      ticks += step;
      if (step !== 0xffff) found.push(ticks * library.tick);
    }
    return found;
  };
  const [beats, downbeats, refBeats] = [0, 4, 8].map((i) => times(view.getUint32(i, true)));
  const columns = view.getUint32(12, true);
  const [wave, kick, upper] = [0, 1, 2].map((i) => new Uint8Array(buffer, at + i * columns, columns));
  const [middle, high] = [upper.map((byte) => 17 * (byte >> 4)), upper.map((byte) => 17 * (byte & 15))];
  return { beats, downbeats, refBeats, wave, kick, middle, high };
}

/** The waveform of the table's miniature, or null. */
function miniature(track) {
  return track.mini ? Uint8Array.from(atob(track.mini), (c) => c.charCodeAt(0)) : null;
}

function clock(seconds, tenths = false) {
  if (seconds === undefined || seconds === null) return "";
  const step = tenths ? 10 : 1;
  const whole = Math.round(seconds * step);
  const [minutes, rest] = [Math.floor(whole / (60 * step)), whole % (60 * step)];
  const text = String(Math.floor(rest / step)).padStart(2, "0");
  return `${minutes}:${text}${tenths ? "." + (rest % 10) : ""}`;
}

/** A time with so many digits of a second: 1:02.35. */
function exactClock(seconds, digits) {
  const whole = Math.round(seconds * 10 ** digits);
  const [minutes, rest] = [Math.floor(whole / (60 * 10 ** digits)), whole % (60 * 10 ** digits)];
  return `${minutes}:${(rest / 10 ** digits).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

/** What is asked of many tracks at once, in bars: see _questions in report/encode.py. */
const BARS = [["mixIn", "Mix in"], ["mixOut", "Mix out"], ["firstDrop", "First drop"], ["breakdown", "Breakdown"]];
const barsText = (bars) => (bars ? count(bars, "bar") : "");

/** `8A`, or `8A?` where the key is unsure (option key.min_confidence). */
const camelotText = (track) => (track.camelot ? `${track.camelot}${track.keyUnsure ? "?" : ""}` : "");

const bpmText = (bpm) => (bpm === undefined || bpm === null ? "" : bpm.toFixed(2));
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const titled = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** The last index whose time is not after `time`; -1 before the first. */
function lastBefore(times, time) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What this browser remembers of an earlier visit, where it lets a page remember; else null. */
function remembered(name) {
  try { return JSON.parse(localStorage.getItem(`dropgrid-${name}`)); } catch { return null; }
}

function remember(name, value) {
  try { localStorage.setItem(`dropgrid-${name}`, JSON.stringify(value)); } catch { /* not allowed here */ }
}

/** An element: make("p", {class: "x", onclick: f}, "text", child). Text is never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** What is worked out of a row for searching and sorting; again after each change. */
function prepare(track) {
  track.text = folded([track.title, track.artist, track.album, track.genre, track.path, track.key, track.camelot].filter(Boolean).join(" "));
  [track.status, track.why] = verdict(track);
}

/** Put another row in the place of a track's; the track stays the same object. */
function replaceRow(track, row) {
  const { index } = track;
  for (const name of Object.keys(track)) delete track[name];
  Object.assign(track, row, { index });
  prepare(track);
}

for (const [index, track] of tracks.entries()) {
  track.index = index;
  prepare(track);
}
