// What mixes with the opened track: the tracks that follow it best, each with its transition.

import { showTrack } from "./application.js";
import { deck } from "./deck.js";
import { $, make } from "./dom.js";
import { bench } from "./editor.js";
import { audioContext } from "./metronome.js";
import { player } from "./player.js";
import { openPopover } from "./popovers.js";
import { download } from "./downloads.js";
import { addToSet } from "./set_page.js";
import { bpmText, clock, count } from "./text.js";
import { camelotText, library, tracks } from "./tracks.js";
import { rendered, schedule, wavOf } from "./transition_sound.js";

const SOON = 0.15; // s from pressing Play until the first sound
const ENERGIES = [["steady", "the same energy"], ["up", "more energy"], ["down", "less energy"]];
export const mix = { energy: "steady", playing: null, shown: null };

/** The box of proposals under the track; closed, its sound ends. */
export function mixBox() {
  const box = make("section", { class: "popover mix", id: "mix", role: "group", "aria-label": "What mixes", hidden: true });
  return box;
}

/** Open the proposals for the opened track, or close them. */
export function toggleMix() {
  const box = $("mix");
  if (!box) return;
  openPopover(box.hidden ? box : null);
  if (box.hidden) stopTransition();
  else showProposals();
}

async function showProposals() {
  const { track } = deck;
  const box = $("mix");
  if (!library.served) {
    box.replaceChildren(make("p", {}, "What mixes with a track is worked out by ", make("code", {}, "dropgrid open"), ", or in a terminal by ", make("code", {}, "dropgrid next"), "."));
    return;
  }
  box.replaceChildren(make("p", { role: "status" }, "Looking …"));
  try {
    const { transitions } = await bench.store.following(track, mix.energy);
    if (track !== deck.track) return;
    mix.shown = transitions;
    const rows = transitions.map((step) => proposal(track, step)).filter(Boolean);
    box.replaceChildren(head(track), rows.length ? make("ol", { class: "proposals" }, ...rows) : make("p", {}, "No track of the library is within 6 % of this tempo."));
  } catch (reason) {
    box.replaceChildren(make("p", { role: "alert" }, reason.message));
  }
}

function head(track) {
  const choice = make("select", { "aria-label": "Energy", onchange: () => { mix.energy = choice.value; showProposals(); } }, ...ENERGIES.map(([value, name]) => make("option", { value, selected: value === mix.energy }, name)));
  const add = make("button", { class: "quiet", title: "Put the opened track at the end of the set", onclick: () => addToSet(track) }, "Add this to the set");
  return make("header", {}, make("h3", {}, `After ${track.title}`), choice, add, make("button", { class: "quiet", "aria-label": "Close", onclick: toggleMix }, "✕"));
}

/** A row: score, track, where to leave and to enter, why; and what can be done with it. */
function proposal(track, step) {
  const then = tracks.find(({ id }) => id === step.to);
  if (!then) return null;
  const where = `leave at bar ${step.leave.bar} (${clock(step.leave.seconds)}), enter at bar ${step.enter.bar} (${clock(step.enter.seconds)}), ${count(step.bars, "bar")}`;
  const said = make("p", { class: "note", role: "status" });
  const button = (name, title, press) => make("button", { class: "tool", title, onclick: press }, name);
  const terms = Object.entries(step.terms).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
  return make(
    "li",
    { "data-track": then.id },
    make("b", { class: "number score", title: terms }, String(Math.round(100 * step.score))),
    make("div", {}, make("p", {}, make("b", {}, then.title), make("span", { class: "number" }, ` ${bpmText(then.bpm)} ${camelotText(then)}`)), make("p", {}, where), make("p", { class: "note" }, step.reasons.join("; ")), said),
    make("div", { class: "primary" },
      button("Play", "Hear the transition", () => playTransition(track, then, said)),
      button("WAV", "Save the transition as a file", () => saveTransition(track, then, said)),
      button("Add", "Put it at the end of the set", () => addToSet(then)),
      button("Open", "Open this track", () => showTrack(then))),
  );
}

/** Both tracks' sound and the beats that fall together. */
async function prepared(track, then) {
  const { aligned } = await bench.store.between(track, then);
  const buffers = [];
  for (const one of [track, then]) buffers.push(await bench.store.sound(one));
  return { aligned, buffers };
}

/** Play a transition, or end the one that plays. */
export async function playTransition(track, then, said) {
  const again = mix.playing?.key === then.id;
  stopTransition();
  if (again) return;
  player.engine.pause();
  const mine = (mix.playing = { key: then.id, sources: [], said });
  said.textContent = "Fetching the sound …";
  try {
    const { aligned, buffers } = await prepared(track, then);
    if (mix.playing !== mine) return;
    const context = audioContext();
    const { sources } = schedule(context, buffers, aligned, context.currentTime + SOON);
    mine.sources = sources;
    said.textContent = "Playing; press Play again to end it.";
    sources[1].onended = () => { if (mix.playing === mine) stopTransition(); };
  } catch (reason) {
    if (mix.playing === mine) mix.playing = null;
    said.textContent = `This transition cannot be played: ${reason.message}`;
  }
}

export function stopTransition() {
  const { playing } = mix;
  mix.playing = null;
  if (!playing) return;
  playing.said.textContent = "";
  for (const source of playing.sources) { source.onended = null; source.stop(); }
}

async function saveTransition(track, then, said) {
  said.textContent = "Rendering …";
  try {
    const { aligned, buffers } = await prepared(track, then);
    const sound = await rendered(buffers, aligned);
    download(`${track.title} into ${then.title}.wav`.replace(/[/\\:*?"<>|]/g, "_"), "audio/wav", wavOf([sound.getChannelData(0), sound.getChannelData(1)], sound.sampleRate));
    said.textContent = "Saved.";
  } catch (reason) {
    said.textContent = `This transition cannot be rendered: ${reason.message}`;
  }
}
