import assert from "node:assert/strict";
import { test } from "node:test";

import { playlist, spreadsheet } from "../../workflow/dropgrid/report/static/list_formats.js";
import { whatToDo } from "../../workflow/dropgrid/report/static/failure_advice.js";
import { runs } from "../../workflow/dropgrid/report/static/section_runs.js";
import { folded } from "../../workflow/dropgrid/report/static/text.js";
import { inTempo, query } from "../../workflow/dropgrid/report/static/track_query.js";
import { disagreement, verdict } from "../../workflow/dropgrid/report/static/verdict.js";

const named = (title, bpm, duration) => ({ id: title, text: folded(title), bpm, duration });
const LIST = [named("Två Vänner 128", 140, 200), named("Glass Harbour", 128, 380), named("Back Step", 87, 301)];
const found = (text, octaves) => LIST.filter(query(text, octaves)).map(({ id }) => id);

test("a search takes words, tempos, ranges and lengths", () => {
  assert.deepEqual(found("vanner TVA"), ["Två Vänner 128"]);
  assert.deepEqual(found("128"), ["Två Vänner 128", "Glass Harbour"]); // by name, by tempo
  assert.deepEqual(found("174"), ["Back Step"]); // twice
  assert.deepEqual(found("=70"), []);
  assert.deepEqual(found("120-130"), ["Glass Harbour"]);
  assert.deepEqual(found("170-180", true), ["Back Step"]);
  assert.deepEqual(found(">130"), ["Två Vänner 128"]);
  assert.deepEqual(found(">5:00"), ["Glass Harbour", "Back Step"]);
  assert.deepEqual(found(""), LIST.map(({ id }) => id));
  assert.ok(inTempo({ bpm: 70 }, 139, 141, true) && !inTempo({ bpm: 70 }, 139, 141, false));
});

test("what is to be checked says why", () => {
  const check = [["grid", "The tempo is unsure"], ["copies", "There more than once: a.mp3"]];
  assert.deepEqual(verdict({ bpm: 128 }), ["ok", ""]);
  assert.deepEqual(verdict({}), ["ok", "Not analysed yet"]);
  assert.deepEqual(verdict({ failure: ["decode", "E", "no audio"], check }), ["failed", "no audio"]);
  assert.deepEqual(verdict({ bpm: 128, check }), ["check", "The tempo is unsure"]);
  assert.deepEqual(verdict({ bpm: 128, check, state: { corrected: ["grid"] } }), ["check", "There more than once: a.mp3"]);
  assert.equal(verdict({ bpm: 128, check, state: { confirmed: true } })[0], "ok");
  assert.equal(verdict({ bpm: 128, check, confirmed: true })[0], "ok");
  assert.equal(verdict({ bpm: 128, check, confirmed: true, state: { undo: 1, confirmed: false } })[0], "check");
  assert.equal(disagreement({ bpm: 128, refBpm: 64 }), 64);
});

test("neighbouring sections of one label are one run", () => {
  const track = { sections: [[0, 10, 0, 1, 4, 0.5], [10, 20, 2, 5, 4, 0.5], [20, 50, 2, 9, 12, 0.9]], energies: [0.1, 0.4, 0.8] };
  const [intro, drop] = runs(track);
  assert.deepEqual([intro.bars, drop.bars, drop.start, drop.end, drop.parts.length], [4, 16, 10, 50, 2]);
  assert.ok(Math.abs(drop.confidence - 0.8) < 1e-9 && Math.abs(drop.energy - 0.7) < 1e-9);
  assert.equal(runs({ sections: [[0, 9, 3, null, null, 0.5]] })[0].bars, null);
});

test("a list becomes a playlist and a table that no spreadsheet runs", () => {
  const track = { id: "a", path: "=cmd.wav", file: "/music/=cmd.wav", title: 'Say "hi"', artist: "A\nB", duration: 61.6, bpm: 128, key: "A minor", camelot: "8A", drops: [1, 2.5] };
  assert.equal(playlist([track, { id: "b" }]), '#EXTM3U\n#DROPGRID\n#EXTINF:62,A B - Say "hi"\n/music/=cmd.wav\n');
  const [head, row] = spreadsheet([track]).split(/\n(?=')/);
  assert.ok(head.startsWith("path,title,artist"));
  assert.ok(row.startsWith("'=cmd.wav,\"Say \"\"hi\"\"\",\"A\nB\","));
  assert.ok(row.includes(",8A,") && row.includes("1.000 2.500"));
  assert.ok(!spreadsheet([{ ...track, keyUnsure: true }]).includes("8A"));
});

test("a failure says what to do", () => {
  const advice = (type, message) => whatToDo(["decode", type, message]);
  assert.match(advice("DecodeError", "damaged or cut short (Error : flac decoder lost sync.)"), /Download or rip it again/);
  assert.match(advice("DecodeError", "no audio in any known format"), /exclude/);
  assert.match(advice("OutOfMemory", "MemoryError"), /fewer cores/);
  assert.match(advice("Odd", "something"), /dropgrid retry/);
});
