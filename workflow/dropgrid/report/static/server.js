// The store of the page that `dropgrid open` serves: it saves edits at once and updates the
// records. The page also shows what another page or a run changes.

import { showFailureCount } from "./application.js";
import { deck, EMPTY, showAnswer } from "./deck.js";
import { $, make } from "./dom.js";
import { workbench } from "./editor.js";
import { showState } from "./editor_panel.js";
import { SAMPLE_RATE } from "./sampled_player.js";
import { refresh } from "./table.js";
import { count, titled } from "./text.js";
import { library, replaceRow, tracks } from "./tracks.js";

const WAVEFORM_COLUMNS = 20000; // of an opened track
const MAX_FAILURES = 4; // failed requests in a row after which the page reports that the server has ended

export const server = {
  byId: new Map(tracks.map((track) => [track.id, track])),
  shownRevision: new Map(), // track: the library's revision that the page shows of it
  waves: { id: "", bands: null }, // of the track that was opened last

  /** The server's response. body: an object to POST. Throws an Error with the server's reason. */
  async request(address, body) {
    const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let response;
    try {
      response = await fetch(`api/${address}`, options);
    } catch {
      throw new Error("The workbench does not respond. If you ended it, edits are no longer saved.");
    }
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    throw new Error(titled(error ?? `${response.status} ${response.statusText}`));
  },

  /** The same, read as JSON. */
  async requestJson(address, body) {
    return (await this.request(address, body)).json();
  },

  async start() {
    this.showReadingProgress(library.unread);
    this.follow(library.revision);
  },

  /** Show how many tracks of the library the server has read. */
  showReadingProgress(unread) {
    const read = (tracks.length - unread).toLocaleString("en");
    $("reading").textContent = unread ? `Reading the library: ${read} of ${count(tracks.length, "track")}` : "";
  },

  async open(track) {
    const [response] = await Promise.all([this.requestJson(`tracks/${track.id}`), this.fetchWaves(track)]);
    return this.accept(track, response);
  },

  costs() { return this.requestJson("costs"); },

  /** The best next tracks; one transition beat by beat; a set in order: mixing/requests.py. */
  following(track, energy) { return this.requestJson(`tracks/${track.id}/next?energy=${energy}`); },
  between(track, next) { return this.requestJson(`tracks/${track.id}/into/${next.id}`); },
  arranged(ids, locked, energy) { return this.requestJson("set", { tracks: ids, locked, energy }); },

  /** The set in this order as the bytes of a file. */
  async setFile(ids, kind) {
    return (await this.request("set/file", { tracks: ids, kind })).arrayBuffer();
  },

  /** A track's sound as the analysis decoded it. */
  async sound(track) {
    const response = await this.request(`tracks/${track.id}/audio.wav`).catch((reason) => { throw new Error(`${track.title}: ${reason.message}`); });
    return new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(await response.arrayBuffer());
  },

  async edit(track, edits) { return this.accept(track, await this.requestJson(`tracks/${track.id}/edit`, { edits })); },
  async undo(track) { return this.accept(track, await this.requestJson(`tracks/${track.id}/undo`, {})); },
  async redo(track) { return this.accept(track, await this.requestJson(`tracks/${track.id}/redo`, {})); },

  /** Show a track as the server sent it; one that is older than what the page shows is requested again. */
  async accept(track, response) {
    let newest = response;
    while (newest.revision < (this.shownRevision.get(track) ?? 0)) newest = await this.requestJson(`tracks/${track.id}`);
    const { row, revision, bpm, alternatives } = newest;
    this.shownRevision.set(track, revision);
    replaceRow(track, row);
    const waves = this.waves.id === track.id && this.waves.bands;
    return { details: { ...EMPTY, ...waves, beats: bpm?.beats ?? [], downbeats: bpm?.downbeats ?? [] }, alternatives };
  },

  /** The cover in a track's tags, a Blob; null if it has none. */
  async fetchCover(track) {
    const response = await fetch(`api/tracks/${track.id}/cover`);
    return response.ok ? response.blob() : null;
  },

  /** Fetch the waveform of a track, where it has one. */
  async fetchWaves(track) {
    if (this.waves.id === track.id && this.waves.bands) return;
    this.waves = { id: track.id, bands: null };
    const response = await fetch(`api/tracks/${track.id}/waveform?columns=${WAVEFORM_COLUMNS}`);
    if (!response.ok) return;
    const bands = unpackedBands(await response.arrayBuffer());
    if (this.waves.id === track.id) this.waves.bands = bands;
  },

  /** Show all changes, made here or elsewhere, for as long as the server responds. */
  async follow(since) {
    for (let failures = 0; ; ) {
      try {
        const { revision, tracks: rows, unread } = await this.requestJson(`changes?since=${since}`);
        this.showReadingProgress(unread);
        [since, failures] = [revision, 0];
        if (rows.length) await this.changed(rows, revision);
      } catch {
        failures += 1;
        if (failures === MAX_FAILURES) document.querySelector("main").before(make("p", { class: "notice", role: "alert" }, "The workbench has ended, and edits are no longer saved. Start dropgrid open again and open its new address."));
        await new Promise((resolve) => { setTimeout(resolve, 1000 * Math.min(failures, 10)); });
      }
    }
  },

  /** Show rows of a revision, except those of which the page shows a newer one. */
  async changed(rows, revision) {
    await workbench.waiting;
    for (const row of rows) {
      const track = this.byId.get(row.id);
      if (!track || (this.shownRevision.get(track) ?? 0) > revision) continue;
      this.shownRevision.set(track, revision);
      const before = answerText(track);
      replaceRow(track, row);
      if (track !== deck.track) continue;
      if (before === answerText(track)) showState();
      else { const answer = await this.open(track); if (track === deck.track) showAnswer(answer); }
    }
    showFailureCount();
    refresh();
  },
};

/** What an opened track shows of its row, as text to compare. */
const answerText = ({ grid, sections, key, state }) => JSON.stringify([grid, sections, key, state?.corrected, state?.confirmed]);

/** The three bands of a waveform as bytes, the peak of each being 255, and their sum, `wave`. */
function unpackedBands(data) {
  const columns = new DataView(data).getUint32(0, true);
  const bytes = new Uint8Array(data, 8);
  const wave = Uint8Array.from({ length: columns }, (_, i) => Math.min(Math.hypot(bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]), 255));
  const [kick, middle, high] = [0, 1, 2].map((band) => {
    let peak = 1;
    for (let i = band; i < bytes.length; i += 3) if (bytes[i] > peak) peak = bytes[i];
    return Uint8Array.from({ length: columns }, (_, i) => (bytes[3 * i + band] * 255) / peak);
  });
  return { wave, kick, middle, high };
}
