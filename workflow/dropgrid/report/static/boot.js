// Builds the served page: its HTML, the library's data, then its script.

/** The text at an address. Throws an Error with the server's status. */
async function textOf(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
  return response.text();
}

/** A block of data, as in the page that is written to a file. */
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
  const script = document.createElement("script");
  script.src = "static/workbench.js";
  script.onerror = () => { document.body.textContent = "The library cannot be shown: its script did not load. Reload the page."; };
  document.body.append(script);
}

boot().catch((reason) => {
  document.body.textContent = `The library cannot be shown: ${reason.message}`;
});
