// The deck: one opened track, its drop map, its beat grid, its references, its facts.

const LANE = 20; // px: height of a lane of sections
const NARROWEST = 2; // seconds the close-up shows at least
const EMPTY = { beats: [], downbeats: [], refBeats: [], wave: new Uint8Array(), kick: new Uint8Array() };
const deck = { track: null, details: EMPTY, from: 0, to: 1, parts: {} };

/** Open a track: its facts at once, waveform and beats as soon as they are unpacked. */
async function openTrack(track) {
  if (deck.track === track) return;
  Object.assign(deck, { track, details: EMPTY, parts: {} });
  load(track.failure ? null : track);
  $("deck").replaceChildren(...(track.failure ? [deckHead(track), failureCard(track)] : deckParts(track)));
  $("deck").hidden = false;
  history.replaceState(null, "", `#track=${track.id}`);
  if (track.failure) return;
  zoomTo(startingZoom(track), 0, 0);
  try {
    const found = await details(track);
    if (deck.track === track) deck.details = found;
  } catch {
    player.problem = "This browser is too old to unpack beats and waveform; the sections are shown without them.";
  }
  if (deck.track === track) drawDeck();
}

function closeTrack() {
  load(null);
  deck.track = null;
  $("deck").hidden = true;
  history.replaceState(null, "", "#library");
  $("table").focus();
}

/** Sixteen bars, or as much as there is. */
function startingZoom(track) {
  return Math.min(track.bpm ? (16 * 4 * 60) / track.bpm : 30, track.duration || 30);
}

function deckHead(track, ...middle) {
  const close = make("button", { class: "quiet", "aria-label": "Close the track", onclick: closeTrack }, "✕");
  const subtitle = [track.artist, track.path].filter(Boolean).join(" · ");
  const names = make("div", { class: "deck-name" }, make("h2", {}, track.title), make("p", { title: track.path }, subtitle));
  return make("header", { class: "deck-head" }, ...middle.slice(0, 1), names, ...middle.slice(1), close);
}

function failureCard(track) {
  const [stage, type, message] = track.failure;
  return make(
    "div",
    { class: "failure" },
    make("p", { class: "failure-title" }, `Could not be analysed${stage ? ` (${stage})` : ""}`),
    make("p", { class: "failure-message" }, message || "No reason was recorded."),
    type ? make("p", { class: "failure-type" }, type) : null,
  );
}

function deckParts(track) {
  const parts = deck.parts;
  parts.play = make("button", { class: "play", "aria-label": "Play", onclick: togglePlay, disabled: !track.audio });
  parts.play.innerHTML = '<svg viewBox="0 0 20 20" aria-hidden="true"><path class="on" d="M6 3.5v13l11-6.5z"/><path class="off" d="M5 3.5h3.5v13H5zm6.5 0H15v13h-3.5z"/></svg>';
  parts.overview = make("canvas", { class: "overview", "aria-hidden": "true" });
  parts.overview.style.height = `${LANE * (track.refSections ? 2 : 1) + 74}px`;
  parts.closeup = make("canvas", { class: "closeup", id: "closeup", tabindex: 0, role: "slider", "aria-label": "Position in the track", "aria-valuemin": 0, "aria-valuemax": Math.round(track.duration ?? 0) });
  parts.cursor = make("div", { class: "cursor" });
  parts.closeCursor = make("div", { class: "cursor" });
  parts.clock = make("span", { class: "deck-clock number" });
  parts.where = make("span", { class: "deck-where number" });
  parts.problem = make("span", { class: "deck-problem", role: "status" });
  for (const canvas of [parts.overview, parts.closeup]) canvas.addEventListener("pointerdown", (event) => drag(event, canvas));
  parts.closeup.addEventListener("wheel", wheel, { passive: false });
  const zoom = (factor, name, sign) => make("button", { class: "quiet", "aria-label": name, onclick: () => zoomBy(factor) }, sign);
  const level = make("button", { class: "quiet level", "aria-pressed": player.levelled, title: "Play every track at one loudness", hidden: track.lufs === undefined, onclick: () => level.setAttribute("aria-pressed", toggleLevel()) }, "Level");
  const bar = make("div", { class: "deck-bar" }, parts.clock, parts.where, parts.problem, level, zoom(1.6, "Zoom out", "−"), zoom(1 / 1.6, "Zoom in", "+"));
  const maps = make("div", { class: "maps" }, make("div", { class: "map" }, parts.overview, parts.cursor), make("div", { class: "map" }, parts.closeup, parts.closeCursor), bar);
  const bpm = make("div", { class: "deck-bpm" }, make("b", { class: "number" }, bpmText(track.bpm) || "–"), make("span", {}, "BPM"));
  return [deckHead(track, parts.play, bpm), make("div", { class: "deck-body" }, maps, make("div", { class: "side" }, sectionList(track), facts(track)))];
}

function sectionList(track) {
  if (!track.sections?.length) return make("p", { class: "deck-none" }, "No sections are known.");
  const starts = (track.refSections ?? []).map((s) => s[0]);
  const head = ["Section", "Start", "Bars", "Conf.", ...(starts.length ? ["Δ ref."] : [])];
  const rows = track.sections.map(([start, , label, , bars, confidence], i) => {
    const name = make("button", { class: "section-name", onclick: () => seek(start) }, make("i", { class: LABELS[label] }), titled(LABELS[label]));
    const cells = [clock(start, true), bars ?? "–", confidence.toFixed(2)];
    if (starts.length) cells.push(distance(start, starts));
    return make("tr", { "data-section": i }, make("td", {}, name), ...cells.map((text) => make("td", { class: "number" }, String(text))));
  });
  const header = make("tr", {}, ...head.map((name) => make("th", { scope: "col", title: name === "Δ ref." ? "Seconds from the nearest boundary of the reference" : null }, name)));
  return make("div", { class: "sections", tabindex: 0, role: "region", "aria-label": "Sections" }, make("table", {}, make("thead", {}, header), make("tbody", {}, ...rows)));
}

/** The signed seconds from the nearest of some times. */
function distance(time, times) {
  const off = times.map((t) => time - t).reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
  return signed(off);
}

const signed = (value) => `${value < -0.005 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function facts(track) {
  const grid = track.grid ?? [];
  const pairs = [
    ["Fitted", track.fitted && track.fitted.toFixed(4)],
    ["Interval", track.interval?.map((bpm) => bpm.toFixed(4)).join(" – ")],
    ["Confidence", track.confidence?.toFixed(2)],
    ["Sure of", (track.confidences ?? []).map((part, i) => `${["tempo", "octave", "beat", "one"][i]} ${part.toFixed(2)}`).join(", ")],
    ["Alternatives", (track.alternatives ?? []).map(([bpm, share]) => `${bpmText(bpm)} (${share.toFixed(2)})`).join(", ")],
    ["Reference", track.refBpm && `${bpmText(track.refBpm)} (${signed(track.bpm - track.refBpm)})`],
    ["Tag", bpmText(track.tag)],
    ["Metre", track.signature],
    ["Key", track.key && `${track.camelot} ${track.key} (${track.keyConfidence.toFixed(2)})`],
    ["No key", track.noKey],
    ["Other keys", (track.otherKeys ?? []).map(([key, share]) => `${key} (${share.toFixed(2)})`).join(", ")],
    ["Key changes", (track.keyChanges ?? []).map(([start, key]) => `${clock(start)} ${key}`).join(", ")],
    ["Key tag", track.tagKey],
    ["Tuning", track.tuning && Math.abs(track.tuning) >= 5 ? `${track.tuning > 0 ? "+" : "−"}${Math.abs(track.tuning).toFixed(0)} cents` : ""],
    ["Loudness", track.lufs !== undefined && `${track.lufs.toFixed(1)} LUFS${track.range === undefined ? "" : `, range ${track.range.toFixed(1)} LU`}`],
    ["Peak", track.peak !== undefined && `${track.peak.toFixed(1)} dB`],
    ["First downbeat", grid.length && grid[0][3] !== null ? `${grid[0][3].toFixed(3)} s` : ""],
    ["Grid", grid.length > 1 ? `${grid.length} regions: ${grid.map((g) => bpmText(g[1])).join(", ")}` : ""],
    ["Taken from", track.source === "metadata" ? "the file's tag" : ""],
    ["Check", track.why],
  ];
  const rows = pairs.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", { class: "number" }, value)));
  return make("dl", { class: "facts" }, ...rows);
}

/** Show `span` seconds such that `time` lies at the share `at` (0..1) of the close-up. */
function zoomTo(span, time, at) {
  const duration = deck.track.duration || 1;
  const shown = Math.min(Math.max(span, Math.min(NARROWEST, duration)), duration);
  deck.from = Math.min(Math.max(time - at * shown, 0), duration - shown);
  deck.to = deck.from + shown;
  drawDeck();
}

/** Zoom around the cursor where it is in sight, else around the middle. */
function zoomBy(factor, at) {
  const span = deck.to - deck.from;
  const share = (player.position - deck.from) / span;
  at ??= share >= 0 && share <= 1 ? share : 0.5;
  zoomTo(span * factor, deck.from + at * span, at);
}

function wheel(event) {
  event.preventDefault();
  const span = deck.to - deck.from;
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    zoomTo(span, deck.from + ((event.deltaX || event.deltaY) / 800) * span, 0);
  } else zoomBy(Math.exp(event.deltaY / 400), event.offsetX / deck.parts.closeup.clientWidth);
}

/** A click sets the position; dragging the close-up moves it, dragging the overview scrubs. */
function drag(event, canvas) {
  const overview = canvas === deck.parts.overview;
  const { from, to, track } = deck;
  const timeAt = (e) => {
    const share = (e.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth;
    return overview ? share * track.duration : from + share * (to - from);
  };
  const start = event.clientX;
  let moved = false;
  canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (e) => {
    moved ||= Math.abs(e.clientX - start) > 4;
    if (!moved) return;
    if (overview) seek(timeAt(e));
    else zoomTo(to - from, from - ((e.clientX - start) / canvas.clientWidth) * (to - from), 0);
  };
  canvas.onpointerup = canvas.onpointercancel = (e) => {
    canvas.onpointermove = canvas.onpointerup = canvas.onpointercancel = null;
    if (!moved && e.type === "pointerup") seek(timeAt(e));
  };
}

function drawDeck() {
  const { track, details: { beats, downbeats, refBeats, wave, kick }, parts, from, to } = deck;
  if (!track || track.failure || !track.duration) return;
  const named = (track.sections ?? []).map(([start, end, label]) => [start, end, titled(LABELS[label]), colours.sections[label]]);
  const references = (track.refSections ?? []).map(([start, end, label], i) => [start, end, [i ? "" : "Reference", titled(label ?? "")].filter(Boolean).join(": "), colours.sections[LABELS.indexOf(label)] ?? colours.faint]);
  const whole = [0, track.duration];

  let [context, width, height] = surface(parts.overview);
  drawLane(context, named, whole, [0, LANE], width, true);
  drawWave(context, track, wave, whole, [LANE + 5, 64], width, 3);
  drawLane(context, references, whole, [LANE + 74, LANE], width, false);
  markDrops(context, track, whole, [LANE, 74], width);
  context.fillStyle = colours.ink;
  context.globalAlpha = 0.1;
  context.fillRect((from / track.duration) * width, LANE, ((to - from) / track.duration) * width, 74);
  context.globalAlpha = 1;

  [context, width, height] = surface(parts.closeup);
  const shown = [from, to];
  const foot = refBeats.length ? 10 : 0;
  drawLane(context, named, shown, [height - 4, 4], width, true);
  context.globalAlpha = 0.45;
  drawWave(context, track, wave, shown, [18, height - 28 - foot], width, 1);
  context.globalAlpha = 1;
  drawWave(context, track, kick, shown, [18 + 0.1 * height, 0.8 * height - 28 - foot], width, 1);
  drawGrid(context, beats, downbeats, shown, [0, height - 4 - foot], width);
  for (let i = Math.max(lastBefore(refBeats, from), 0); refBeats[i] < to; i++) {
    context.fillStyle = colours.focus;
    context.fillRect(Math.round(((refBeats[i] - from) / (to - from)) * width), height - 4 - foot, 1, foot);
  }
  markDrops(context, track, shown, [0, height - 4], width);
  follow();
}

function markDrops(context, track, [from, to], [top, height], width) {
  for (const time of track.drops ?? []) {
    const x = Math.round(((time - from) / (to - from)) * width);
    if (x < 0 || x > width) continue;
    context.fillStyle = colours.sections[DROP];
    context.fillRect(x, top, 2, height);
    context.beginPath();
    context.moveTo(x - 5, top);
    context.lineTo(x + 7, top);
    context.lineTo(x + 1, top + 8);
    context.fill();
  }
}

/** Put the cursors, the clock and the marks where the position is. */
function follow(moved) {
  const { track, parts, details: { beats, downbeats } } = deck;
  if (!track || track.failure || !parts.clock) return;
  const { position } = player;
  const span = deck.to - deck.from;
  if ((moved || !player.audio.paused) && (position < deck.from || position > deck.to - (moved ? 0 : 0.08 * span))) {
    zoomTo(span, position, 0.12);
    return;
  }
  const place = (cursor, share) => {
    cursor.style.left = `${share * 100}%`;
    cursor.hidden = share < 0 || share > 1;
  };
  place(parts.cursor, position / track.duration);
  place(parts.closeCursor, (position - deck.from) / span);
  const bar = lastBefore(downbeats, position + 0.005);
  const beat = lastBefore(beats, position + 0.005) - (bar < 0 ? 0 : lastBefore(beats, downbeats[bar] + 0.005));
  const section = sectionAt(track, position);
  parts.clock.textContent = `${clock(position, true)} / ${clock(track.duration, true)}`;
  parts.where.textContent = [bar < 0 ? "" : `bar ${bar + 1}.${beat + 1}`, section ? LABELS[section[2]] : ""].filter(Boolean).join(" · ");
  parts.problem.textContent = player.problem;
  parts.play.setAttribute("aria-label", player.audio.paused ? "Play" : "Pause");
  parts.play.disabled = !track.audio || Boolean(player.problem);
  parts.closeup.setAttribute("aria-valuenow", position.toFixed(1));
  parts.closeup.setAttribute("aria-valuetext", `${clock(position)}, ${parts.where.textContent}`);
  const index = (track.sections ?? []).indexOf(section);
  for (const row of $("deck").querySelectorAll("[data-section]")) {
    const now = Number(row.dataset.section) === index;
    if (now && !row.classList.contains("now")) row.scrollIntoView({ block: "nearest" });
    row.classList.toggle("now", now);
  }
}

/** The deck's own keys; true if the key was one. */
function deckKey(key) {
  const { track, details: { downbeats } } = deck;
  if (!track || track.failure) return false;
  const bar = downbeats.length > 1 ? (downbeats.at(-1) - downbeats[0]) / (downbeats.length - 1) : 5;
  const next = track.drops?.find((time) => time > player.position + 0.01) ?? track.drops?.[0];
  const acts = {
    " ": togglePlay,
    ArrowLeft: () => seek(downbeats[lastBefore(downbeats, player.position - 0.01)] ?? player.position - bar),
    ArrowRight: () => seek(downbeats[lastBefore(downbeats, player.position + 0.01) + 1] ?? player.position + bar),
    "+": () => zoomBy(1 / 1.6),
    "=": () => zoomBy(1 / 1.6),
    "-": () => zoomBy(1.6),
    d: () => next !== undefined && seek(next),
  };
  if (!(key in acts)) return false;
  acts[key]();
  return true;
}
