// The scripts of the page, and their tests. Run by `make lint`.

import js from "@eslint/js";
import globals from "globals";

const PAGE = ["workflow/dropgrid/report/static/*.js"];

export default [
  { ignores: ["**/*", "!workflow/", "!workflow/dropgrid/", "!workflow/dropgrid/report/", "!workflow/dropgrid/report/static/**", "!tests/", "!tests/javascript/", "!tests/javascript/**", "!eslint.config.js"] },
  js.configs.recommended,
  { rules: { eqeqeq: "error", "no-var": "error", "prefer-const": ["error", { destructuring: "all" }], "no-implicit-globals": "error", "no-shadow": "off" } },
  { files: PAGE, languageOptions: { globals: globals.browser } },
  { files: ["tests/javascript/**", "eslint.config.js"], languageOptions: { globals: globals.node } },
];
