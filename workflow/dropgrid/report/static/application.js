// The page as a whole: tabs, theme, keys, address.

import { closeTrack, deck, deckKey, follow, openTrack } from "./deck.js";
import { $, writeStored, readStored } from "./dom.js";
import { readColours } from "./drawing.js";
import { workbench, workbenchKey, historyKey, showMessage } from "./editor.js";
import { showEvaluation } from "./evaluation.js";
import { showFailures, showRun } from "./failures_and_run.js";
import { showKeys, startKeys } from "./keyboard_help.js";
import { drawDeck } from "./pictures.js";
import { player, startPlayer, togglePlay } from "./player.js";
import { openPopover } from "./popovers.js";
import { clearFilters } from "./search.js";
import { showSet, startSet } from "./set_page.js";
import { startLegend } from "./sections_and_facts.js";
import { choose, draw, refresh, startTable, table, tableKey } from "./table.js";
import { count } from "./text.js";
import { library, tracks } from "./tracks.js";

const PAGES = ["library", "set", "failures", "evaluation", "run"];
const RENDER = { set: showSet, failures: showFailures, evaluation: showEvaluation, run: showRun };

function showPage(name) {
  for (const page of PAGES) {
    $(`tab-${page}`).setAttribute("aria-selected", page === name);
    $(`tab-${page}`).tabIndex = page === name ? 0 : -1;
    if (page === name) $(`tab-${page}`).scrollIntoView({ block: "nearest", inline: "nearest" });
    $(`page-${page}`).hidden = page !== name;
  }
  if (name !== "library") {
    player.engine.pause();
    if (name === "set" || !$(`page-${name}`).childElementCount) RENDER[name]();
  }
  history.replaceState(null, "", name === "library" && deck.track ? `#track=${deck.track.id}` : `#${name}`);
}

/** Open a track in the library, whatever the table shows now. */
export function showTrack(track) {
  showPage("library");
  if (!table.shown.includes(track)) {
    clearFilters();
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

/** The theme that the user chose before, else the theme of the system. */
function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = readStored("theme");
  document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  readColours();
  system.addEventListener("change", () => chosen ?? setTheme(system.matches ? "dark" : "light"));
  $("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    writeStored("theme", chosen);
    setTheme(chosen);
  });
}

function onKey(event) {
  if ($("key-list").open) return;
  if (!event.target.matches("input, select") && historyKey(event)) event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key, target } = event;
  if (target.getAttribute("role") === "tab") {
    if (tabKey(key, target)) event.preventDefault();
    return;
  }
  const typing = target === $("search");
  if (key === "?" && !typing) showKeys();
  else if (key === "Escape") closeNewest(typing);
  else if ($("page-library").hidden) return;
  else if (typing) {
    if (key !== "ArrowDown" && key !== "Enter") return;
    $("table").focus();
    if (key === "Enter") choose(table.chosen, true);
  } else if (usesKey(target, key)) return;
  else if (key === "/") $("search").focus();
  else if (key === " " && $("deck").hidden) { choose(table.chosen, true); togglePlay(); }
  else if (!workbenchKey(event) && !deckKey(key.length === 1 ? key.toLowerCase() : key, event.shiftKey) && !tableKey(key)) return;
  event.preventDefault();
}

/** Whether an element handles a key itself. */
function usesKey(target, key) {
  if (target.matches("select, textarea, input:not([type=checkbox])")) return true;
  return target.matches("button, summary, input") && (key === " " || key === "Enter");
}

function tabKey(key, tab) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (!step) return false;
  const next = PAGES[(PAGES.findIndex((page) => tab.id === `tab-${page}`) + step + PAGES.length) % PAGES.length];
  showPage(next);
  $(`tab-${next}`).focus();
  return true;
}

/** Close what was opened last: a box, the search or the track. */
function closeNewest(typing) {
  if (openPopover(null)) return;
  if (typing && $("search").value) { $("search").value = ""; refresh(); }
  else if (!$("deck").hidden) closeTrack();
  else $("table").focus();
}

export function showFailureCount() {
  const failed = tracks.filter((track) => track.failure).length;
  $("count-failures").textContent = failed ? failed.toLocaleString("en") : "";
}

export function start() {
  startTheme();
  document.title = `${count(tracks.length, "track")} – dropgrid`;
  $("count-library").textContent = tracks.length.toLocaleString("en");
  showFailureCount();
  for (const page of PAGES) $(`tab-${page}`).addEventListener("click", () => showPage(page));
  startLegend();
  startKeys();
  startSet();
  startTable(openTrack);
  startPlayer(follow);
  document.addEventListener("keydown", onKey);
  document.addEventListener("pointerdown", (event) => { if (!/** @type {Element} */ (event.target).closest(".popover-holder, .map")) openPopover(null); });
  new ResizeObserver(drawDeck).observe($("deck"));
  const fragment = decodeURIComponent(location.hash.slice(1));
  const track = fragment.startsWith("track=") && tracks.find((t) => t.id === fragment.slice(6));
  showPage(PAGES.includes(fragment) ? fragment : "library");
  workbench.on = readStored("editing") ?? library.served;
  workbench.store.start().catch((reason) => showMessage(reason.message, true));
  if (track) showTrack(track);
  else $("table").focus({ preventScroll: true });
}
