// A list of tracks as a playlist or as CSV.

const FIELDS = {
  path: (t) => t.path, title: (t) => t.title, artist: (t) => t.artist, album: (t) => t.album, genre: (t) => t.genre,
  bpm: (t) => t.bpm, confidence: (t) => t.confidence, key: (t) => (t.keyUnsure ? undefined : t.key), camelot: (t) => (t.keyUnsure ? undefined : t.camelot),
  duration: (t) => t.duration, drops: (t) => t.drops?.map((time) => time.toFixed(3)).join(" "),
  energy: (t) => t.energy, mix_in_bars: (t) => t.mixIn, mix_out_bars: (t) => t.mixOut,
  first_drop_bars: (t) => t.firstDrop, longest_breakdown_bars: (t) => t.breakdown, impact: (t) => t.impact,
  loudness: (t) => t.lufs, status: (t) => t.status, check: (t) => t.why, track: (t) => t.id,
};

/** An extended M3U playlist, without tracks whose file is unknown. */
export function playlist(shown) {
  const entries = shown.filter((track) => track.audio || track.file).map((track) => {
    const name = [track.artist, track.title].filter(Boolean).join(" - ").replace(/\s+/g, " ");
    return `#EXTINF:${Math.round(track.duration ?? 0)},${name}\n${fileOf(track)}\n`;
  });
  return `#EXTM3U\n#DROPGRID\n${entries.join("")}`;
}

const LINE_BREAKS = /[\p{Cc}\u2028\u2029]/u; // characters that cannot be part of a line

/** The path of a track's file, or its URL if the path cannot be written in one line. */
export function fileOf(track) {
  if (track.file && !LINE_BREAKS.test(track.file)) return track.file;
  if (!track.audio) return "";
  const { href, protocol, pathname } = new URL(track.audio, document.baseURI);
  if (protocol !== "file:") return href;
  try {
    const path = decodeURIComponent(pathname);
    return LINE_BREAKS.test(path) ? href : path.replace(/^\/([A-Za-z]:)/, "$1");
  } catch {
    return href; // bytes that are not UTF-8
  }
}

/** FIELDS as CSV, in the format of library.csv: text that would be a formula gets an apostrophe. */
export function spreadsheet(shown) {
  const field = (value) => {
    if (value === undefined || value === null) return "";
    const text = typeof value === "string" && /^'*[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = shown.map((track) => Object.values(FIELDS).map((valueOf) => field(valueOf(track))).join(","));
  return [Object.keys(FIELDS).join(","), ...rows].join("\n") + "\n";
}
