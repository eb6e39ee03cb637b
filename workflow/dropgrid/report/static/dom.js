// Elements of the page, and what this browser remembers of an earlier visit.


/** The element of an id.
 * @returns {any} an element of its own kind */
export const $ = (id) => document.getElementById(id);

/** All elements that a selector finds.
 * @returns {any[]} */
export const all = (selector, within = /** @type {any} */ (document)) => [...within.querySelectorAll(selector)];

/** An element: make("p", {class: "x", onclick: f}, "text", child). Text is never markup.
 * @returns {any} an element of its own kind */
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

/** What this browser remembers of an earlier visit, where it lets a page remember; else null. */
export function remembered(name) {
  try { return JSON.parse(localStorage.getItem(`dropgrid-${name}`)); } catch { return null; }
}

export function remember(name, value) {
  try { localStorage.setItem(`dropgrid-${name}`, JSON.stringify(value)); } catch { /* not allowed here */ }
}
