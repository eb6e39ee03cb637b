// Downloads: the tracks of the table as a playlist or as CSV.

import { $, make } from "./dom.js";
import { playlist, spreadsheet } from "./list_formats.js";
import { popover } from "./popovers.js";
import { selection, table } from "./table.js";

export function startDownloads() {
  const save = (name, kind, text) => make("button", { class: "quiet", onclick: () => download(`dropgrid.${name}`, kind, text(table.selected.size > 1 ? selection() : table.shown)) }, `${name.toUpperCase()}`);
  const box = popover("save", "Save list", make("p", { class: "note" }, "The selected tracks, or all that are shown, in this order:"), save("m3u8", "audio/x-mpegurl", playlist), save("csv", "text/csv", spreadsheet));
  $("tools").insertBefore(box, $("shown"));
}

/** Save a file on the user's disk. Nothing is sent anywhere. */
export function download(name, kind, text) {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
