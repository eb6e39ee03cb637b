// Making the page of what the server has: the page's own HTML, the library, the scripts in order.

const SERVED_SCRIPTS = [
  "data.js", "drawing.js", "wheel.js", "search.js", "columns.js", "lists.js", "keys.js",
  "table.js", "metronome.js", "element.js", "player.js", "sections.js", "closeup.js",
  "edits.js", "ownfile.js", "bench.js", "tools.js", "deck.js", "views.js", "evaluation.js",
  "sound.js", "server.js", "app.js",
];

/** The text of an address. Throws an Error that says what the server answered. */
async function textOf(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`);
  return answer.text();
}

/** A block of data as the page written to a file holds it. */
function dataBlock(id, text) {
  const block = document.createElement("script");
  Object.assign(block, { type: "application/json", id, textContent: text });
  return block;
}

function palette({ light, dark }) {
  const rules = (colours) => Object.entries(colours).map(([label, colour]) => `--${label}:${colour};`).join("");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:root{${rules(light)}}:root[data-theme=dark]{${rules(dark)}}`);
  document.adoptedStyleSheets = [sheet];
}

async function boot() {
  const [page, data, evaluation] = await Promise.all(["static/page.html", "api/library", "api/evaluation"].map(textOf));
  const { body } = new DOMParser().parseFromString(page.slice(page.indexOf("<body>"), page.indexOf("</body>")), "text/html");
  for (const script of body.querySelectorAll("script")) script.remove();
  document.body.replaceWith(document.adoptNode(body));
  document.body.append(dataBlock("data-library", data), dataBlock("data-evaluation", evaluation));
  palette(JSON.parse(data).colours);
  for (const name of SERVED_SCRIPTS) {
    const script = document.createElement("script");
    script.async = false; // one after the other
    script.src = `static/${name}`;
    document.body.append(script);
  }
}

boot().catch((reason) => {
  document.body.textContent = `The library cannot be shown: ${reason.message}`;
});
