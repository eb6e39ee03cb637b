"""A Chromium tab with the workbench of a library of one song."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dropgrid.apply_corrections import document
from dropgrid.library import track_id
from page_in_chromium import PATIENCE, until
from playwright.sync_api import Browser, Page

SONG, OTHER = "house.flac", "other.ogg"
TRACK = track_id(SONG)


class Tab:
    """A page with the song opened; a test fails if the browser reports an error."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 950}, **options})
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{address}#track={TRACK}")
        self.state = self.page.locator(".workbench-state")
        self.open()

    def open(self) -> None:
        self.until("window.dropgrid?.deck.details?.beats?.length > 0")

    def press(self, *keys: str) -> None:
        """Press keys, and wait until the change is saved."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being saved."""
        self.until("dropgrid.workbench.busy === 0")

    def until(self, true: str) -> None:
        """Wait for a condition."""
        until(self.page, true, self.complaints)

    def beats(self) -> list[float]:
        return list(self.page.evaluate("dropgrid.deck.details.beats"))

    def downbeats(self) -> list[float]:
        return list(self.page.evaluate("dropgrid.deck.details.downbeats"))

    def sections(self) -> list[list[float]]:
        return list(self.page.evaluate("dropgrid.deck.track.sections"))

    def position(self) -> float:
        return float(self.page.evaluate("dropgrid.player.position"))


def corrections_of(results: Path) -> Any:
    """What corrections.json says of the song."""
    return document.read(results / "corrections.json").tracks[SONG]
