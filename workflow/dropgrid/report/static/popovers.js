// Boxes that a button opens over the page.

import { $, all, make } from "./dom.js";

/** A button and the box that it opens. Only one box is open at a time; Escape closes it. */
export function popover(id, name, ...content) {
  const button = make("button", { id: `${id}-button`, "aria-expanded": "false", "aria-controls": id, onclick: () => openPopover(box.hidden ? box : null) }, name);
  const box = make("div", { class: "popover", id, role: "group", "aria-label": name, hidden: true }, ...content);
  return make("div", { class: "filters popover-holder" }, button, box);
}

/** Open a popover, or none with null, and close all others. Returns whether one was open. */
export function openPopover(opened) {
  let wasOpen = false;
  for (const box of all(".popover")) {
    wasOpen ||= !box.hidden;
    box.hidden = box !== opened;
    $(`${box.id}-button`)?.setAttribute("aria-expanded", box === opened);
  }
  return wasOpen;
}
