// Numbers and times as text.

/** Text for searching: lower case, without accents. */
export function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

export function clock(seconds, tenths = false) {
  if (seconds === undefined || seconds === null) return "";
  const step = tenths ? 10 : 1;
  const whole = Math.round(seconds * step);
  const [minutes, rest] = [Math.floor(whole / (60 * step)), whole % (60 * step)];
  const text = String(Math.floor(rest / step)).padStart(2, "0");
  return `${minutes}:${text}${tenths ? "." + (rest % 10) : ""}`;
}

/** A time with a number of decimals of a second: 1:02.35. */
export function exactClock(seconds, digits) {
  const whole = Math.round(seconds * 10 ** digits);
  const [minutes, rest] = [Math.floor(whole / (60 * 10 ** digits)), whole % (60 * 10 ** digits)];
  return `${minutes}:${(rest / 10 ** digits).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

export const barsText = (bars) => (bars ? count(bars, "bar") : "");
export const bpmText = (bpm) => (bpm === undefined || bpm === null ? "" : bpm.toFixed(2));
export const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
export const titled = (word) => word.charAt(0).toUpperCase() + word.slice(1);
