// Taking the list that is shown along: as a playlist, as a table.

const FIELDS = {
  path: (t) => t.path, title: (t) => t.title, artist: (t) => t.artist, album: (t) => t.album, genre: (t) => t.genre,
  bpm: (t) => t.bpm, confidence: (t) => t.confidence, key: (t) => (t.keyUnsure ? undefined : t.key), camelot: (t) => (t.keyUnsure ? undefined : t.camelot),
  duration: (t) => t.duration, drops: (t) => t.drops?.map((time) => time.toFixed(3)).join(" "),
  energy: (t) => t.energy, mix_in_bars: (t) => t.mixIn, mix_out_bars: (t) => t.mixOut,
  first_drop_bars: (t) => t.firstDrop, longest_breakdown_bars: (t) => t.breakdown, impact: (t) => t.impact,
  loudness: (t) => t.lufs, status: (t) => t.status, check: (t) => t.why, track: (t) => t.id,
};

function startLists() {
  const save = (name, kind, text) => make("button", { class: "quiet", onclick: () => download(`dropgrid.${name}`, kind, text(table.shown)) }, `${name.toUpperCase()}`);
  const box = popover("save", "Save list", make("p", { class: "note" }, "The tracks that are shown, in this order:"), save("m3u8", "audio/x-mpegurl", playlist), save("csv", "text/csv", spreadsheet));
  $("tools").insertBefore(box, $("shown"));
}

/** Give the reader a file. The text is sent nowhere. */
function download(name, kind, text) {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** An extended M3U playlist; tracks whose audio is not known are left out. */
function playlist(shown) {
  const entries = shown.filter((track) => track.audio || track.file).map((track) => {
    const name = [track.artist, track.title].filter(Boolean).join(" - ").replace(/\s+/g, " ");
    return `#EXTINF:${Math.round(track.duration ?? 0)},${name}\n${fileOf(track)}\n`;
  });
  return `#EXTM3U\n#DROPGRID\n${entries.join("")}`;
}

const BREAKS = /[\p{Cc}\u2028\u2029]/u; // what cannot stand in a line of text

/** The path of a track's file; its address where the path cannot stand in a line of text. */
function fileOf(track) {
  if (track.file && !BREAKS.test(track.file)) return track.file;
  if (!track.audio) return "";
  const { href, protocol, pathname } = new URL(track.audio, document.baseURI);
  if (protocol !== "file:") return href;
  try {
    const path = decodeURIComponent(pathname);
    return BREAKS.test(path) ? href : path.replace(/^\/([A-Za-z]:)/, "$1");
  } catch {
    return href; // bytes that are no UTF-8
  }
}

/** A CSV of FIELDS, written as dropgrid's own: a text that would be a formula gets an apostrophe. */
function spreadsheet(shown) {
  const field = (value) => {
    if (value === undefined || value === null) return "";
    const text = typeof value === "string" && /^'*[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = shown.map((track) => Object.values(FIELDS).map((of) => field(of(track))).join(","));
  return [Object.keys(FIELDS).join(","), ...rows].join("\n") + "\n";
}
