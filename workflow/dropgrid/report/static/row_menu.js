// The menu of a row or of all selected rows: opened by the right button, a long press or the menu key.

import { $, all, make } from "./dom.js";
import { toggleMix } from "./mix_panel.js";
import { playlist } from "./list_formats.js";
import { addToList, removeFromList } from "./lists_bar.js";
import { startPlaying } from "./player.js";
import { openPopover } from "./popovers.js";
import { download } from "./downloads.js";
import { lists } from "./saved_lists.js";
import { addToSet } from "./set_page.js";
import { choose, selection, table } from "./table.js";
import { count } from "./text.js";

const MARGIN = 8; // px between the menu and the edge of the window

export function startRowMenu() {
  $("lists").after(make("div", { class: "popover-holder menu-holder" }, make("div", { class: "popover menu", id: "row-menu", role: "menu", "aria-label": "Tracks", hidden: true })));
  $("table").addEventListener("contextmenu", (event) => {
    const row = event.target.closest(".row");
    if (!table.shown.length || (!row && event.target !== $("table"))) return;
    event.preventDefault();
    if (row) chooseUnlessSelected(Number(row.getAttribute("aria-rowindex")) - 2);
    const anchorRow = row ?? $(`row-${table.shown[table.chosen].index}`) ?? $("table");
    const box = anchorRow.getBoundingClientRect();
    openMenu(event.clientX || box.left + 40, event.clientY || box.bottom);
  });
  $("row-menu").addEventListener("keydown", menuKey);
}

/** Choose the row under the pointer, unless it is one of the selected rows. */
function chooseUnlessSelected(position) {
  if (table.selected.has(table.shown[position])) return;
  table.selected.clear();
  choose(position);
}

function openMenu(x, y) {
  const chosen = selection();
  const ids = chosen.map((track) => track.id);
  const isSingle = chosen.length === 1;
  const open = () => choose(table.chosen, true);
  const item = (name, action) => make("button", { role: "menuitem", tabindex: -1, onclick: () => { closeMenu(); action(); } }, name);
  const others = lists.all.filter(({ name }) => name !== lists.name);
  $("row-menu").replaceChildren(...[
    isSingle ? null : make("p", { class: "note", role: "presentation" }, count(chosen.length, "track")),
    isSingle ? item("Open", open) : null,
    isSingle ? item("Play", startPlaying) : null,
    isSingle ? item("What mixes", () => { open(); if ($("mix")?.hidden) toggleMix(); }) : null,
    item("Add to set", () => { for (const track of chosen) addToSet(track); }),
    ...others.map(({ name }) => item(`Add to ${name}`, () => addToList(ids, name))),
    item("Add to a new list", () => addToList(ids)),
    lists.name === null ? null : item(`Remove from ${lists.name}`, () => removeFromList(ids)),
    item("Save as M3U8", () => download("dropgrid.m3u8", "audio/x-mpegurl", playlist(chosen))),
  ].filter(Boolean));
  openPopover($("row-menu"));
  const { style, offsetWidth, offsetHeight } = $("row-menu");
  style.left = `${Math.max(MARGIN, Math.min(x, innerWidth - offsetWidth - MARGIN))}px`;
  style.top = `${Math.max(MARGIN, Math.min(y, innerHeight - offsetHeight - MARGIN))}px`;
  all("button", $("row-menu"))[0].focus();
}

function closeMenu() {
  openPopover(null);
  $("table").focus({ preventScroll: true });
}

function menuKey(event) {
  const items = all("button", $("row-menu"));
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) items.at(to % items.length).focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else if (event.key !== "Enter" && event.key !== " ") return;
  else event.target.click();
  event.preventDefault();
  event.stopPropagation();
}
