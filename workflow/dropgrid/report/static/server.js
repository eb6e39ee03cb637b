// Corrections kept by `dropgrid open`, which serves this page: edits are saved at once, and the
// records follow. What another page or a run changes is shown here too.

import { countFailures } from "./application.js";
import { deck, EMPTY, takeAnswer } from "./deck.js";
import { $, make } from "./dom.js";
import { bench } from "./editor.js";
import { showState } from "./editor_panel.js";
import { refresh } from "./table.js";
import { count, titled } from "./text.js";
import { library, replaceRow, tracks } from "./tracks.js";

const COLUMNS_SHOWN = 20000; // of an opened track's waveform
const LOST = 4; // failed questions in a row after which the server is taken to have ended

export const server = {
  byId: new Map(tracks.map((track) => [track.id, track])),
  seen: new Map(), // track: the library's revision when what is shown of it was read
  waves: { id: "", found: null }, // of the track that was opened last

  /** An answer of the server's, as JSON. Throws an Error with the line that it gives. */
  async ask(address, body) {
    const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try {
      answer = await fetch(`api/${address}`, options);
    } catch {
      throw new Error("The workbench does not answer. Was it ended? Nothing more is saved.");
    }
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(titled(found.error ?? `${answer.status} ${answer.statusText}`));
    return found;
  },

  async start() {
    this.tellUnread(library.unread);
    this.follow(library.revision);
  },

  /** Say how far the server is in reading the library. */
  tellUnread(unread) {
    const read = (tracks.length - unread).toLocaleString("en");
    $("reading").textContent = unread ? `Reading the library: ${read} of ${count(tracks.length, "track")}` : "";
  },

  async open(track) {
    const [found] = await Promise.all([this.ask(`tracks/${track.id}`), this.fetchWaves(track)]);
    return this.take(track, found);
  },

  costs() { return this.ask("costs"); },

  /** The tracks that follow one best; one transition beat by beat; a set in order: mixing/requests.py. */
  following(track, energy) { return this.ask(`tracks/${track.id}/next?energy=${energy}`); },
  between(track, then) { return this.ask(`tracks/${track.id}/into/${then.id}`); },
  arranged(ids, locked, energy) { return this.ask("set", { tracks: ids, locked, energy }); },

  /** The set in this order as the bytes of a file. */
  async setFile(ids, kind) {
    const answer = await fetch("api/set/file", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ tracks: ids, kind }) });
    if (!answer.ok) throw new Error(titled((await answer.json().catch(() => ({}))).error ?? answer.statusText));
    return answer.arrayBuffer();
  },

  /** A track's sound as the analysis decoded it. */
  async sound(track) {
    const answer = await fetch(`api/tracks/${track.id}/audio.wav`);
    if (!answer.ok) throw new Error(`${track.title}: ${(await answer.json().catch(() => ({}))).error ?? answer.statusText}`);
    return new OfflineAudioContext(1, 1, 44100).decodeAudioData(await answer.arrayBuffer());
  },

  async edit(track, edits) { return this.take(track, await this.ask(`tracks/${track.id}/edit`, { edits })); },
  async undo(track) { return this.take(track, await this.ask(`tracks/${track.id}/undo`, {})); },
  async redo(track) { return this.take(track, await this.ask(`tracks/${track.id}/redo`, {})); },

  /** Put a track as the server tells it in place. An answer that was overtaken on its way by a newer one is asked for again. */
  async take(track, answer) {
    let found = answer;
    while (found.revision < (this.seen.get(track) ?? 0)) found = await this.ask(`tracks/${track.id}`);
    const { row, revision, bpm, alternatives } = found;
    this.seen.set(track, revision);
    replaceRow(track, row);
    const waves = this.waves.id === track.id && this.waves.found;
    return { details: { ...EMPTY, ...waves, beats: bpm?.beats ?? [], downbeats: bpm?.downbeats ?? [] }, ghosts: alternatives };
  },

  /** The picture in a track's tags, a Blob; null where it has none. */
  async fetchCover(track) {
    const answer = await fetch(`api/tracks/${track.id}/cover`);
    return answer.ok ? answer.blob() : null;
  },

  /** The three bands of a track, each its own peak being 255, and their sum; nothing if there are none. */
  async fetchWaves(track) {
    if (this.waves.id === track.id && this.waves.found) return;
    this.waves = { id: track.id, found: null };
    const answer = await fetch(`api/tracks/${track.id}/waveform?columns=${COLUMNS_SHOWN}`);
    if (!answer.ok) return;
    const data = await answer.arrayBuffer();
    const columns = new DataView(data).getUint32(0, true);
    const bytes = new Uint8Array(data, 8);
    const sum = Uint8Array.from({ length: columns }, (_, i) => Math.min(Math.hypot(bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]), 255));
    const [kick, middle, high] = [0, 1, 2].map((band) => {
      let peak = 1;
      for (let i = band; i < bytes.length; i += 3) if (bytes[i] > peak) peak = bytes[i];
      return Uint8Array.from({ length: columns }, (_, i) => (bytes[3 * i + band] * 255) / peak);
    });
    if (this.waves.id === track.id) this.waves.found = { wave: sum, kick, middle, high };
  },

  /** Follow what changes, here or elsewhere, for as long as the server answers. */
  async follow(since) {
    for (let failures = 0; ; ) {
      try {
        const { revision, tracks: rows, unread } = await this.ask(`changes?since=${since}`);
        this.tellUnread(unread);
        [since, failures] = [revision, 0];
        if (rows.length) await this.changed(rows, revision);
      } catch {
        failures += 1;
        if (failures === LOST) document.querySelector("main").before(make("p", { class: "notice", role: "alert" }, "The workbench has ended: nothing more is saved. Start dropgrid open again and open its new address."));
        await new Promise((resolve) => { setTimeout(resolve, 1000 * Math.min(failures, 10)); });
      }
    }
  },

  /** Show rows as they were at a revision, but for tracks of which something newer is shown. */
  async changed(rows, revision) {
    await bench.waiting;
    for (const row of rows) {
      const track = this.byId.get(row.id);
      if (!track || (this.seen.get(track) ?? 0) > revision) continue;
      this.seen.set(track, revision);
      const before = JSON.stringify([track.grid, track.sections, track.key, track.state?.corrected, track.state?.confirmed]);
      replaceRow(track, row);
      if (track !== deck.track) continue;
      const same = before === JSON.stringify([track.grid, track.sections, track.key, track.state?.corrected, track.state?.confirmed]);
      if (same) showState();
      else { const found = await this.open(track); if (track === deck.track) takeAnswer(found); }
    }
    countFailures();
    refresh();
  },
};
