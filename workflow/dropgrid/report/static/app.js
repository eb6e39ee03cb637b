// Putting the page together: pages, theme, keys, the address.

const PAGES = ["library", "failures", "evaluation", "run"];
const RENDER = { failures: showFailures, evaluation: showEvaluation, run: showRun };

function showPage(name) {
  for (const page of PAGES) {
    $(`tab-${page}`).setAttribute("aria-selected", page === name);
    $(`tab-${page}`).tabIndex = page === name ? 0 : -1;
    $(`page-${page}`).hidden = page !== name;
  }
  if (name !== "library") {
    player.audio.pause();
    if (!$(`page-${name}`).childElementCount) RENDER[name]();
  }
  history.replaceState(null, "", name === "library" && deck.track ? `#track=${deck.track.id}` : `#${name}`);
}

/** Go to a track of the library, whatever is shown there now. */
function showTrack(track) {
  showPage("library");
  if (!table.shown.includes(track)) {
    $("search").value = "";
    table.filter = "all";
    refresh();
  }
  choose(table.shown.indexOf(track), true);
  $("table").focus();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColours();
  draw(true);
  drawDeck();
}

/** The theme the reader chose before, where the browser lets a file remember, else the system's. */
function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("dropgrid-theme"); } catch { /* not allowed here */ }
  document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  readColours();
  system.addEventListener("change", () => chosen ?? setTheme(system.matches ? "dark" : "light"));
  $("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("dropgrid-theme", chosen); } catch { /* not allowed here */ }
    setTheme(chosen);
  });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key, target } = event;
  if (target.getAttribute("role") === "tab") {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = PAGES[(PAGES.findIndex((page) => target.id === `tab-${page}`) + step + PAGES.length) % PAGES.length];
    showPage(next);
    $(`tab-${next}`).focus();
    event.preventDefault();
    return;
  }
  if ($("page-library").hidden) return;
  const typing = target === $("search");
  const onButton = target.tagName === "BUTTON" && (key === " " || key === "Enter");
  let done = true;
  if (key === "Escape") {
    if (typing && target.value) { target.value = ""; refresh(); }
    else if (!$("deck").hidden) closeTrack();
    else $("table").focus();
  } else if (typing) {
    if (key === "ArrowDown" || key === "Enter") { $("table").focus(); if (key === "Enter") choose(table.chosen, true); } else return;
  } else if (onButton) return;
  else if (key === "/") $("search").focus();
  else if (key === " " && $("deck").hidden) { choose(table.chosen, true); togglePlay(); }
  else done = deckKey(key.length === 1 ? key.toLowerCase() : key) || tableKey(key);
  if (done) event.preventDefault();
}

function start() {
  startTheme();
  document.title = `${count(tracks.length, "track")} – dropgrid`;
  $("count-library").textContent = tracks.length.toLocaleString("en");
  const failed = tracks.filter((track) => track.failure).length;
  $("count-failures").textContent = failed ? failed.toLocaleString("en") : "";
  for (const page of PAGES) $(`tab-${page}`).addEventListener("click", () => showPage(page));
  startTable(openTrack);
  startPlayer(follow);
  document.addEventListener("keydown", onKey);
  new ResizeObserver(drawDeck).observe($("deck"));
  const asked = decodeURIComponent(location.hash.slice(1));
  const track = asked.startsWith("track=") && tracks.find((t) => t.id === asked.slice(6));
  showPage(PAGES.includes(asked) ? asked : "library");
  if (track) showTrack(track);
  else $("table").focus({ preventScroll: true });
}

start();
