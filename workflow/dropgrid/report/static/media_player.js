// The browser's own player: plays a file from its place, without reading all of it first.

import { audioContext, audibleTime } from "./metronome.js";

export const element = {
  audio: new Audio(),

  /** Call `changed` when playing starts, stops or fails; with the code of a MediaError if it fails. */
  start(changed) {
    this.audio.preload = "none";
    for (const event of ["playing", "pause", "ended"]) this.audio.addEventListener(event, () => changed());
    this.audio.addEventListener("error", () => {
      if (!this.audio.getAttribute("src")) return;
      this.audio.pause(); // or it would still count as playing
      changed(this.audio.error?.code);
    });
  },

  load(address) {
    this.audio.pause();
    if (address) this.audio.src = address;
    else this.audio.removeAttribute("src");
  },

  playing() { return !this.audio.paused; },
  time() { return this.audio.currentTime; },
  play(time) { this.audio.currentTime = time; return this.audio.play(); },
  pause() { this.audio.pause(); },
  seek(time) { if (this.audio.getAttribute("src")) this.audio.currentTime = time; },
  setVolume(volume) { this.audio.volume = volume; },
  setRate(rate) { this.audio.defaultPlaybackRate = this.audio.playbackRate = rate; },
  setLoop() {}, // the player jumps back by itself

  /** The track's position and the time of the clicks' clock at the same moment. */
  moment() { return { track: this.audio.currentTime, context: audibleTime(audioContext()) }; },
};
