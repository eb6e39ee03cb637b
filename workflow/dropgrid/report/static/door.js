// The one door into the page from outside: `dropgrid` in the browser's console, and for the tests.

import { deck, takeAnswer } from "./deck.js";
import { bench } from "./editor.js";
import { analysed, beatsOf, edited } from "./grid_edits.js";
import { LABELS } from "./labels.js";
import { metronome } from "./metronome.js";
import { mix } from "./mix_panel.js";
import { player, seek, setLoop, setRate } from "./player.js";
import { table } from "./table.js";
import { tracks } from "./tracks.js";
import { rendered } from "./transition_sound.js";

/** Open the door. Nothing in the page itself goes through it. */
export function openDoor(more = {}) {
  const door = { analysed, beatsOf, bench, deck, edited, LABELS, metronome, mix, player, seek, setLoop, setRate, table, rendered, takeAnswer, tracks, ...more };
  Object.defineProperty(window, "dropgrid", { value: Object.freeze(door) });
}
