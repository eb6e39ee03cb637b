// Boxes that a button opens, over what lies beneath them.

import { $, all, make } from "./dom.js";

/** A button that opens a box of things to set. One is open at a time; Escape closes it. */
export function popover(id, name, ...content) {
  const button = make("button", { id: `${id}-button`, "aria-expanded": "false", "aria-controls": id, onclick: () => openPopover(box.hidden ? box : null) }, name);
  const box = make("div", { class: "popover", id, role: "group", "aria-label": name, hidden: true }, ...content);
  return make("div", { class: "filters popover-holder" }, button, box);
}

/** Open one popover, or none: all others close. True if one was open. */
export function openPopover(opened) {
  let was = false;
  for (const box of all(".popover")) {
    was ||= !box.hidden;
    box.hidden = box !== opened;
    $(`${box.id}-button`)?.setAttribute("aria-expanded", box === opened);
  }
  return was;
}
