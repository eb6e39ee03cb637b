// Elements of the page, and what this browser stores between visits.

/** The element with an id.
 * @returns {any} of the element's own type */
export const $ = (id) => document.getElementById(id);

/** All elements that match a selector.
 * @returns {any[]} */
export const all = (selector, within = /** @type {any} */ (document)) => [...within.querySelectorAll(selector)];

/** An element: make("p", {class: "x", onclick: f}, "text", child). Text is never markup.
 * @returns {any} of the element's own type */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "boolean" && name.startsWith("aria-")) element.setAttribute(name, String(value));
    else if (value === undefined || value === null || value === false) continue;
    else if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A value that this browser stored on an earlier visit; null if there is none or storing is not allowed. */
export function readStored(name) {
  try { return JSON.parse(localStorage.getItem(`dropgrid-${name}`)); } catch { return null; }
}

export function writeStored(name, value) {
  try { localStorage.setItem(`dropgrid-${name}`, JSON.stringify(value)); } catch { /* storing is not allowed here */ }
}
