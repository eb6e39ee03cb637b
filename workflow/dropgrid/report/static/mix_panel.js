// What mixes with the opened track: the best next tracks, each with its transition.

import { showTrack } from "./application.js";
import { deck } from "./deck.js";
import { $, make } from "./dom.js";
import { workbench } from "./editor.js";
import { audioContext } from "./metronome.js";
import { player } from "./player.js";
import { openPopover } from "./popovers.js";
import { download } from "./downloads.js";
import { addToSet } from "./set_page.js";
import { bpmText, clock, count } from "./text.js";
import { camelotText, library, tracks } from "./tracks.js";
import { rendered, schedule, wavOf } from "./transition_sound.js";

const TRANSITION_DELAY = 0.15; // s from pressing Play until the first sound
const ENERGIES = [["steady", "the same energy"], ["up", "more energy"], ["down", "less energy"]];
export const mix = { energy: "steady", playing: null };

/** The box of proposals under the track. */
export const mixBox = () => make("section", { class: "popover mix", id: "mix", role: "group", "aria-label": "What mixes", hidden: true });

/** Open the proposals for the opened track, or close them and stop their sound. */
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
    box.replaceChildren(make("p", {}, "To find tracks that mix with this one, use ", make("code", {}, "dropgrid open"), ", or ", make("code", {}, "dropgrid next"), " in a terminal."));
    return;
  }
  box.replaceChildren(make("p", { role: "status" }, "Searching …"));
  try {
    const { transitions } = await workbench.store.following(track, mix.energy);
    if (track !== deck.track) return;
    const rows = transitions.map((step) => proposal(track, step)).filter(Boolean);
    box.replaceChildren(head(track), rows.length ? make("ol", { class: "proposals" }, ...rows) : make("p", {}, "No track in the library is within 6 % of this tempo."));
  } catch (reason) {
    box.replaceChildren(make("p", { role: "alert" }, reason.message));
  }
}

function head(track) {
  const choice = make("select", { "aria-label": "Energy", onchange: () => { mix.energy = choice.value; showProposals(); } }, ...ENERGIES.map(([value, name]) => make("option", { value, selected: value === mix.energy }, name)));
  const add = make("button", { class: "quiet", title: "Add the opened track to the end of the set", onclick: () => addToSet(track) }, "Add this track to the set");
  return make("header", {}, make("h3", {}, `After ${track.title}`), choice, add, make("button", { class: "quiet", "aria-label": "Close", onclick: toggleMix }, "✕"));
}

/** A proposal: score, track, mix points and reasons, and buttons to hear, save, add and open it. */
function proposal(track, step) {
  const next = tracks.find(({ id }) => id === step.to);
  if (!next) return null;
  const where = `Leave at bar ${step.leave.bar} (${clock(step.leave.seconds)}), enter at bar ${step.enter.bar} (${clock(step.enter.seconds)}), blend for ${count(step.bars, "bar")}`;
  const status = make("p", { class: "note", role: "status" });
  const button = (name, title, action) => make("button", { class: "tool", title, onclick: action }, name);
  const terms = Object.entries(step.terms).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
  return make(
    "li",
    { "data-track": next.id },
    make("b", { class: "number score", title: terms }, String(Math.round(100 * step.score))),
    make("div", {}, make("p", {}, make("b", {}, next.title), make("span", { class: "number" }, ` ${bpmText(next.bpm)} ${camelotText(next)}`)), make("p", {}, where), make("p", { class: "note" }, step.reasons.join("; ")), status),
    make("div", { class: "primary" },
      button("Play", "Hear the transition", () => playTransition(track, next, status)),
      button("WAV", "Save the transition as a file", () => saveTransition(track, next, status)),
      button("Add", "Add this track to the end of the set", () => addToSet(next)),
      button("Open", "Open this track", () => showTrack(next))),
  );
}

/** The sound of both tracks, and their aligned beats. */
async function fetchTransition(track, next) {
  const { aligned } = await workbench.store.between(track, next);
  const buffers = [];
  for (const part of [track, next]) buffers.push(await workbench.store.sound(part));
  return { aligned, buffers };
}

/** Play a transition; if it is playing already, stop it. */
export async function playTransition(track, next, status) {
  const isPlaying = mix.playing?.id === next.id;
  stopTransition();
  if (isPlaying) return;
  player.engine.pause();
  const playback = (mix.playing = { id: next.id, sources: [], status });
  status.textContent = "Loading the sound …";
  try {
    const { aligned, buffers } = await fetchTransition(track, next);
    if (mix.playing !== playback) return;
    const context = audioContext();
    const { sources } = schedule(context, buffers, aligned, context.currentTime + TRANSITION_DELAY);
    playback.sources = sources;
    status.textContent = "Playing; press Play again to stop.";
    sources[1].onended = () => { if (mix.playing === playback) stopTransition(); };
  } catch (reason) {
    if (mix.playing === playback) mix.playing = null;
    status.textContent = `This transition cannot be played: ${reason.message}`;
  }
}

export function stopTransition() {
  const { playing } = mix;
  mix.playing = null;
  if (!playing) return;
  playing.status.textContent = "";
  for (const source of playing.sources) { source.onended = null; source.stop(); }
}

async function saveTransition(track, next, status) {
  status.textContent = "Rendering …";
  try {
    const { aligned, buffers } = await fetchTransition(track, next);
    const sound = await rendered(buffers, aligned);
    download(`${track.title} into ${next.title}.wav`.replace(/[/\\:*?"<>|]/g, "_"), "audio/wav", wavOf([sound.getChannelData(0), sound.getChannelData(1)], sound.sampleRate));
    status.textContent = "Saved.";
  } catch (reason) {
    status.textContent = `This transition cannot be rendered: ${reason.message}`;
  }
}
