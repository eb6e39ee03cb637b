// The Camelot wheel: keys that mix well are neighbours. A click shows the tracks that mix with a key.

import { $, make } from "./dom.js";
import { popover } from "./popovers.js";
import { refresh } from "./table.js";
import { count } from "./text.js";
import { tracks } from "./tracks.js";

export const keyWheel = { key: "", only: false, parts: new Map() };
/** @type {[string, number, number][]} */
const RINGS = [["A", 36, 68], ["B", 70, 102]]; // mode, inner and outer radius
const HOURS = [...Array(12).keys()].map((i) => i + 1);

/** The keys that mix with a key such as "8A": itself, its neighbours, and its relative key. */
function compatible(key) {
  const [hour, mode] = [parseInt(key, 10), key.slice(-1)];
  return [key, `${(hour % 12) + 1}${mode}`, `${((hour + 10) % 12) + 1}${mode}`, `${hour}${mode === "A" ? "B" : "A"}`];
}

/** Whether a track passes the key filter. */
export function inKey(track) {
  if (!keyWheel.key) return true;
  return keyWheel.only ? track.camelot === keyWheel.key : compatible(keyWheel.key).includes(track.camelot);
}

/** The colour of a key; neighbours have similar colours. */
export const keyColour = (key) => `hsl(${(parseInt(key, 10) * 30 + 150) % 360} 62% ${key.endsWith("A") ? 42 : 50}%)`;

/** An SVG element. */
export function shape(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Make the wheel and the button that opens it, unless no track has a key. */
export function startWheel() {
  if (!tracks.some((track) => track.camelot)) return;
  const only = make("input", { type: "checkbox", id: "wheel-only", onchange: () => { keyWheel.only = only.checked; showKey(); } });
  const clear = make("button", { class: "quiet", onclick: () => { clearKey(); refresh(); } }, "All keys");
  $("tools").insertBefore(popover("wheel", "Key", wheelPicture(), make("label", { class: "choice" }, only, " only this key"), clear), $("shown"));
}

function wheelPicture() {
  const picture = shape("svg", { viewBox: "-104 -104 208 208", class: "wheel-picture" });
  for (const hour of HOURS) {
    for (const [mode, inner, outer] of RINGS) {
      const key = `${hour}${mode}`;
      const part = keyButton(key, sectorOf(hour, inner, outer));
      keyWheel.parts.set(key, part);
      picture.append(part);
    }
  }
  return picture;
}

/** The sector of an hour between two radii: its SVG path, and its centre as [x, y]. */
function sectorOf(hour, inner, outer) {
  const [from, to] = [hour - 0.5, hour + 0.5].map((h) => (h * Math.PI) / 6);
  const at = (radius, angle) => `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
  const path = `M${at(inner, from)}L${at(outer, from)}A${outer} ${outer} 0 0 1 ${at(outer, to)}L${at(inner, to)}A${inner} ${inner} 0 0 0 ${at(inner, from)}Z`;
  return { path, centre: at((inner + outer) / 2, (from + to) / 2).split(" ") };
}

/** A sector of the wheel that chooses its key, or clears the choice. */
function keyButton(key, { path, centre }) {
  const [x, y] = centre;
  const number = tracks.filter((track) => track.camelot === key).length;
  const button = shape(
    "g",
    { role: "button", tabindex: "0", "data-key": key, class: number ? "" : "empty-key", "aria-pressed": "false", "aria-label": `${key}, ${count(number, "track")}` },
    shape("path", { d: path, fill: keyColour(key) }),
    shape("text", { x, y }, key),
  );
  const toggle = () => { keyWheel.key = keyWheel.key === key ? "" : key; showKey(); };
  button.addEventListener("click", toggle);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    toggle();
  });
  return button;
}

/** Highlight the keys that mix with the chosen key, and show their tracks. */
function showKey() {
  markKey();
  refresh();
}

export function clearKey() {
  keyWheel.key = "";
  if ($("wheel")) markKey();
}

function markKey() {
  const highlighted = keyWheel.key ? (keyWheel.only ? [keyWheel.key] : compatible(keyWheel.key)) : [];
  for (const [key, part] of keyWheel.parts) {
    part.setAttribute("aria-pressed", key === keyWheel.key);
    part.classList.toggle("dim", highlighted.length > 0 && !highlighted.includes(key));
  }
  $("wheel-button").textContent = keyWheel.key ? `Key ${keyWheel.key}${keyWheel.only ? "" : " and mixing keys"}` : "Key";
  $("wheel-button").setAttribute("aria-pressed", keyWheel.key !== "");
}
