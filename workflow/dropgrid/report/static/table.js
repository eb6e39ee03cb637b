// The library table: only the rows in sight exist. One tab stop; arrow keys move the choice.

const ROW = 52; // px, as in library.css
const COLUMNS = [
  { key: "title", name: "Track", value: (t) => folded(t.title) },
  { key: "dropmap", name: "Drop map", value: (t) => t.sections?.length },
  { key: "bpm", name: "BPM", value: (t) => t.bpm, right: true },
  { key: "confidence", name: "Confidence", value: (t) => t.confidence },
  { key: "key", name: "Key", value: (t) => t.camelot?.padStart(3, "0") },
  { key: "alternatives", name: "Alternatives", value: (t) => t.alternatives?.[0]?.[0] },
  { key: "time", name: "Length", value: (t) => t.duration, right: true },
  { key: "drops", name: "Drops", value: (t) => t.drops?.length, right: true },
  { key: "status", name: "Status", value: (t) => ["failed", "check", "ok"].indexOf(t.status) },
];
const FILTERS = [["all", "All"], ["check", "To check"], ["failed", "Failed"]];

const table = { shown: tracks, chosen: 0, sort: null, descending: false, filter: "all", open: () => {} };

function startTable(open) {
  table.open = open;
  for (const column of COLUMNS) {
    const button = make("button", { onclick: () => sortBy(column) }, column.name, make("span", { class: "arrow", "aria-hidden": "true" }));
    $("head").append(make("div", { role: "columnheader", class: `${column.key}${column.right ? " right" : ""}`, "aria-sort": "none" }, button));
  }
  for (const [key, name] of FILTERS) {
    const number = key === "all" ? tracks.length : tracks.filter((t) => t.status === key).length;
    const press = () => { table.filter = key; refresh(); };
    $("filters").append(make("button", { "aria-pressed": key === "all", "data-filter": key, onclick: press }, name, make("span", { class: "count" }, number.toLocaleString("en"))));
  }
  startWheel();
  $("search").addEventListener("input", refresh);
  $("body").addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(() => draw(true)).observe($("body"));
  refresh();
}

/** Sort by a column, ascending first; a third press brings back the library's order. */
function sortBy(column) {
  if (table.sort !== column) [table.sort, table.descending] = [column, false];
  else if (!table.descending) table.descending = true;
  else [table.sort, table.descending] = [null, false];
  for (const [i, head] of [...$("head").children].entries()) {
    const mine = COLUMNS[i] === table.sort;
    head.setAttribute("aria-sort", mine ? (table.descending ? "descending" : "ascending") : "none");
    head.querySelector(".arrow").textContent = mine ? (table.descending ? "▼" : "▲") : "";
  }
  refresh();
}

/** Search, filter and sort again; the chosen track stays chosen if it is still shown. */
function refresh() {
  const kept = table.shown[table.chosen];
  const matches = query($("search").value);
  const shown = tracks.filter((t) => (table.filter === "all" || t.status === table.filter) && inKey(t) && matches(t));
  if (table.sort) {
    const { value } = table.sort;
    const sign = table.descending ? -1 : 1;
    shown.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined) || a.index - b.index;
      return x < y ? -sign : x > y ? sign : a.index - b.index;
    });
  }
  table.shown = shown;
  table.chosen = Math.max(shown.indexOf(kept), 0);
  for (const button of $("filters").children) button.setAttribute("aria-pressed", button.dataset.filter === table.filter);
  $("table").setAttribute("aria-rowcount", shown.length + 1);
  $("shown").textContent = shown.length === tracks.length ? count(shown.length, "track") : `${shown.length.toLocaleString("en")} of ${count(tracks.length, "track")}`;
  $("rows").style.height = `${shown.length * ROW}px`;
  if (!shown.includes(kept)) $("body").scrollTop = 0;
  draw(true);
}

/** A search as a test of a track: every word must occur; 120-130 is a range of BPM. */
function query(text) {
  const tests = folded(text).split(/\s+/).filter(Boolean).map((word) => {
    const range = /^(\d+(?:\.\d+)?)[-–](\d+(?:\.\d+)?)$/.exec(word);
    if (!range) return (track) => track.text.includes(word);
    const [low, high] = [Number(range[1]), Number(range[2])];
    return (track) => (track.bpm >= low && track.bpm <= high) || track.text.includes(word);
  });
  return (track) => tests.every((test) => test(track));
}

let drawn = "";

/** Make the rows in sight, if others are in sight than before. */
function draw(again) {
  const body = $("body");
  const first = Math.max(Math.floor(body.scrollTop / ROW) - 4, 0);
  const last = Math.min(Math.ceil((body.scrollTop + body.clientHeight) / ROW) + 4, table.shown.length);
  const key = `${first} ${last}`;
  if (key === drawn && again !== true) return;
  drawn = key;
  const rows = [];
  for (let i = first; i < last; i++) rows.push(rowOf(table.shown[i], i));
  $("rows").replaceChildren(...rows);
  if (!table.shown.length) $("rows").append(make("p", { class: "empty" }, tracks.length ? "No track matches." : "The library is empty."));
  for (const canvas of $("rows").querySelectorAll("canvas")) drawMiniature(canvas, tracks[canvas.closest(".row").dataset.index]);
  $("head").style.paddingRight = `calc(${body.offsetWidth - body.clientWidth}px + var(--gutter))`;
  markChosen();
}

function rowOf(track, position) {
  const row = make(
    "div",
    { class: "row", role: "row", id: `row-${track.index}`, "data-index": track.index, "aria-rowindex": position + 2, onclick: () => choose(position, true) },
    cell("name", make("b", {}, track.title), make("span", {}, track.artist ? `${track.artist} · ${track.path}` : track.path)),
    ...(track.failure ? [cell("reason", track.failure[2])] : measured(track)),
    make("div", { role: "gridcell", class: `state ${track.status}`, title: track.why || null }, { ok: "OK", check: "Check", failed: "Failed" }[track.status]),
  );
  row.style.transform = `translateY(${position * ROW}px)`;
  return row;
}

const cell = (name, ...content) => make("div", { role: "gridcell", class: name }, ...content);

/** The cells of what was measured. */
function measured(track) {
  const sections = (track.sections ?? []).map((s) => `${LABELS[s[2]]} ${clock(s[0])}`).join(", ");
  const sure = track.confidence === undefined ? [] : [make("i", { "aria-hidden": "true" }), track.confidence.toFixed(2)];
  const sureCell = cell("sure", ...sure);
  if (sure.length) sureCell.style.setProperty("--share", `${track.confidence * 100}%`);
  return [
    cell("dropmap", make("canvas", { role: "img", "aria-label": sections || "no sections" })),
    cell("bpm right", bpmText(track.bpm)),
    sureCell,
    keyCell(track),
    cell("alternatives", (track.alternatives ?? []).slice(0, 2).map((a) => bpmText(a[0])).join("  ")),
    cell("time right", clock(track.duration)),
    cell("drops right", track.drops ? String(track.drops.length) : ""),
  ];
}

function keyCell(track) {
  if (!track.camelot) return cell("key", "");
  const dot = make("i", { "aria-hidden": "true" });
  dot.style.background = keyColour(track.camelot);
  return cell("key", dot, track.camelot, make("span", {}, track.key));
}

/** Choose the row at a position of the shown tracks, bring it into sight, perhaps open it. */
function choose(position, open = false) {
  if (!table.shown.length) return;
  table.chosen = Math.min(Math.max(position, 0), table.shown.length - 1);
  const body = $("body");
  const top = table.chosen * ROW;
  if (top < body.scrollTop) body.scrollTop = top;
  else if (top + ROW > body.scrollTop + body.clientHeight) body.scrollTop = top + ROW - body.clientHeight;
  draw();
  markChosen();
  if (open) table.open(table.shown[table.chosen]);
}

function markChosen() {
  const track = table.shown[table.chosen];
  for (const row of $("rows").querySelectorAll(".row")) row.setAttribute("aria-selected", Number(row.dataset.index) === track?.index);
  if (track) $("table").setAttribute("aria-activedescendant", `row-${track.index}`);
  else $("table").removeAttribute("aria-activedescendant");
}

/** The table's own keys; true if the key was one. */
function tableKey(key) {
  const page = Math.max(Math.floor($("body").clientHeight / ROW) - 1, 1);
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (key in moves) choose(Math.max(Math.min(table.chosen + moves[key], table.shown.length - 1), 0), !$("deck").hidden);
  else if (key === "Enter") choose(table.chosen, true);
  else return false;
  return true;
}
