"""The sound of a transition on the page, read from its samples, in a real browser.

Two tracks of clicks on their beats, the first in the left channel, the next in the right: so the
samples tell which is which. Over the same beats two tracks of tones tell levels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from browser import MISSING, find_browser
from dropgrid.mixing.requests import Mixer
from dropgrid.records.store import read_bpm
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from open_workbench import opened
from page_in_chromium import PATIENCE, library_in_tab, until
from playwright.sync_api import Browser, Page, expect
from synthetic_library import write_library

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]

RATE = 8000  # Hz of the files; the page decodes them to its own
WITHIN = 0.002  # s between two beats that sound together
LOW, HIGH = 60.0, 2000.0  # Hz: one below the bass that changes places, one above


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    claim(folder / "results", [str(folder / "music")])
    write_library(folder / "results", 12, folder / "music", failing=0)
    return folder / "results"


@pytest.fixture(scope="module")
def pair(results: Path) -> tuple[str, str]:
    """Two tracks of which the second follows the first best, with clicks on their beats."""
    mixer = Mixer(results)
    ids = [track.stem for track in sorted((results / "tracks").glob("*.json"))]
    found = {track: mixer.following(track)["transitions"] for track in ids}
    first = next(track for track in ids if found[track] and found[track][0]["bars"] >= 8)
    then = str(found[first][0]["to"])
    for channel, track in enumerate((first, then)):
        ticket = json.loads(Results(results).ticket(track).read_text())
        record = read_bpm(Results(results).record("bpm", track))
        write_clicks(Path(ticket["file"]), record.beats, record.duration or 0.0, channel)
    return first, then


def write_clicks(file: Path, beats: tuple[float, ...], duration: float, channel: int) -> None:
    """A click of 1 ms on each beat, in one of two channels."""
    samples = np.zeros((int(duration * RATE), 2), np.float32)
    click = np.hanning(9)[1:] * 0.9
    for beat in beats:
        at = round(beat * RATE)
        samples[at : at + len(click), channel] += click[: len(samples) - at]
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, samples, RATE, subtype="PCM_16")


@pytest.fixture(scope="module")
def page(browser: Browser, results: Path, pair: tuple[str, str]) -> Iterator[Page]:
    with opened(results) as workbench, library_in_tab(browser, workbench.address) as tab:
        yield tab


# Where clicks begin in both channels of samples, in seconds.
ONSETS = """const onsets = (samples, rate) => {
  const found = [];
  for (let i = 0; i < samples.length; i++) {
    if (Math.abs(samples[i]) < 0.02) continue;
    let peak = i;
    for (let j = i; j < i + 0.004 * rate; j++) {
      if (Math.abs(samples[j] ?? 0) > Math.abs(samples[peak])) peak = j;
    }
    found.push(peak / rate);
    i += Math.round(0.1 * rate);
  }
  return found;
};"""
RENDERED = f"""async ([first, then]) => {{
  {ONSETS}
  const tracks = [first, then].map((id) => dropgrid.server.byId.get(id));
  const {{ aligned }} = await dropgrid.server.between(...tracks);
  const buffers = [];
  for (const track of tracks) buffers.push(await dropgrid.server.sound(track));
  const mix = await dropgrid.rendered(buffers, aligned);
  const sides = [0, 1].map((side) => onsets(mix.getChannelData(side), mix.sampleRate));
  return {{ sides, aligned }};
}}"""


def test_the_beats_of_both_are_together_in_what_is_rendered(
    page: Page, pair: tuple[str, str]
) -> None:
    found = page.evaluate(RENDERED, list(pair))
    left, right = (np.array(side) for side in found["sides"])
    aligned = found["aligned"]
    start = aligned["first"][0] - aligned["lead"]
    end = aligned["first"][aligned["end"]] - aligned["lead"]
    # Where either is almost faded out there is nothing to measure.
    inside = (right > start + 0.2 * (end - start)) & (right < start + 0.8 * (end - start))
    assert inside.sum() > 16
    off = np.abs(right[inside, np.newaxis] - left).min(axis=1)
    assert off.max() < WITHIN


# Blocks of what goes to the loudspeaker, of which both channels hold a click: how far apart.
LISTEN = f"""() => {{
  {ONSETS}
  const connect = AudioNode.prototype.connect;
  window.heard = [];
  AudioNode.prototype.connect = function (to, ...rest) {{
    if (to instanceof AudioDestinationNode && to.context instanceof AudioContext) {{
      const ear = to.context.createScriptProcessor(16384, 2, 2);
      ear.onaudioprocess = ({{ inputBuffer }}) => {{
        const rate = inputBuffer.sampleRate;
        const side = (channel) => onsets(inputBuffer.getChannelData(channel), rate);
        const [left, right] = [side(0), side(1)];
        for (const time of right) {{
          const near = Math.min(...left.map((other) => Math.abs(other - time)));
          const edge = Math.min(time, inputBuffer.duration - time);
          if (edge > 0.05) window.heard.push(left.length ? near : null);
        }}
      }};
      connect.call(this, ear);
      connect.call(ear, to);
    }}
    return connect.call(this, to, ...rest);
  }};
}}"""


def test_the_beats_of_both_are_together_in_what_is_played(
    page: Page, pair: tuple[str, str]
) -> None:
    """Tapped where the sound leaves for the loudspeaker. A busy machine may lose blocks, but in
    those that come both tracks have the same clock."""
    page.evaluate(LISTEN)
    page.evaluate("(id) => dropgrid.table.open(dropgrid.server.byId.get(id))", pair[0])
    page.keyboard.press("Shift+M")
    row = page.locator(f'.proposals li[data-track="{pair[1]}"]')
    status = row.get_by_role("status")
    read = "() => window.heard.filter((off) => off !== null)"
    for _ in range(5):  # again where so many blocks were lost that it ended before
        row.get_by_role("button", name="Play").click()
        expect(status).to_have_text(re.compile("Playing|cannot"), timeout=PATIENCE)
        until(page, f"({read})().length >= 12 || !dropgrid.mix.playing")
        assert "cannot" not in status.inner_text()
        if len(page.evaluate(read)) >= 12:
            break
    heard = page.evaluate(read)
    assert len(heard) >= 12
    assert max(heard) < WITHIN
    stop = "(button) => { if (dropgrid.mix.playing) button.click(); }"
    row.get_by_role("button", name="Play").evaluate(stop)
    expect(status).to_have_text("")


TONES = """async ({ aligned, rate, low, high }) => {
  const track = (side, seconds) => {
    const length = seconds * rate;
    const buffer = new AudioBuffer({ length, numberOfChannels: 2, sampleRate: rate });
    const samples = buffer.getChannelData(side);
    for (let i = 0; i < samples.length; i++) {
      const turn = 2 * Math.PI * i / rate;
      samples[i] = 0.25 * (Math.sin(low * turn) + Math.sin(high * turn));
    }
    return buffer;
  };
  const mix = await dropgrid.rendered([track(0, 60), track(1, 60)], aligned);
  // The level of a tone in stretches of 50 ms: a whole number of its periods.
  const level = (samples, tone) => {
    const found = [];
    const size = rate / 20;
    for (let at = 0; at + size <= samples.length; at += size) {
      let [re, im] = [0, 0];
      for (let i = 0; i < size; i++) {
        re += samples[at + i] * Math.cos(2 * Math.PI * tone * (at + i) / rate);
        im += samples[at + i] * Math.sin(2 * Math.PI * tone * (at + i) / rate);
      }
      found.push(2 * Math.hypot(re, im) / size);
    }
    return found;
  };
  return [0, 1].map((side) => [low, high].map((tone) => level(mix.getChannelData(side), tone)));
}"""


def test_one_goes_and_the_other_comes_at_equal_power_and_the_bass_changes_places(
    page: Page,
) -> None:
    beats = [4 + 0.5 * i for i in range(65)]
    aligned: dict[str, Any] = {
        "first": beats, "second": beats, "lead": 2.0, "end": 32, "swap": 16, "gains": [1.0, 1.0],
    }  # fmt: skip
    settings = {"aligned": aligned, "rate": 44100, "low": LOW, "high": HIGH}
    (low_left, high_left), (low_right, high_right) = (
        [np.array(tone) for tone in side] for side in page.evaluate(TONES, settings)
    )
    times = (np.arange(len(high_left)) + 0.5) / 20
    start, end, swap = 2.0, 18.0, 10.0  # of the blend, in seconds of the mix
    alone = high_left[(times > 0.5) & (times < start - 0.5)].mean()
    blend = (times > start) & (times < end)
    power = (high_left**2 + high_right**2)[blend] / alone**2
    assert np.abs(10 * np.log10(power)).max() < 0.3
    way = np.pi / 2 * (times[blend] - start) / (end - start)
    assert np.abs(high_left[blend] / alone - np.cos(way)).max() < 0.02
    assert np.abs(high_right[blend] / alone - np.sin(way)).max() < 0.02
    after = high_right[(times > end + 0.5) & (times < times[-1] - 0.5)]
    assert np.abs(after / alone - 1).max() < 0.02
    # One bass at a time: each at least 30 dB below its own treble while the other has its place.
    before = blend & (times < swap) & (times > start + 1)
    behind = blend & (times > swap + 0.6) & (times < end - 1)
    assert (low_right[before] / high_right[before]).max() < 10 ** (-30 / 20)
    assert (low_left[behind] / high_left[behind]).max() < 10 ** (-30 / 20)
    assert np.abs(low_left[before] / high_left[before] - 1).max() < 0.1
    assert np.abs(low_right[behind] / high_right[behind] - 1).max() < 0.1
