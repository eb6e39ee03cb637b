// The only global of the page, `dropgrid`: for the browser's console and for the tests.

import { deck, showAnswer } from "./deck.js";
import { workbench } from "./editor.js";
import { analysed, beatsOf, edited } from "./grid_edits.js";
import { LABELS } from "./labels.js";
import { metronome } from "./metronome.js";
import { mix } from "./mix_panel.js";
import { player, seek, setLoop, setRate } from "./player.js";
import { table } from "./table.js";
import { tracks } from "./tracks.js";
import { rendered } from "./transition_sound.js";

/** Define `dropgrid`. The page itself does not use it. */
export function exposeApi(more = {}) {
  const api = { analysed, beatsOf, workbench, deck, edited, LABELS, metronome, mix, player, seek, setLoop, setRate, table, rendered, showAnswer, tracks, ...more };
  Object.defineProperty(window, "dropgrid", { value: Object.freeze(api) });
}
