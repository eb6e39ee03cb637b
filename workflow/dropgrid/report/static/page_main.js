// The page in a file: corrections are kept in this browser, and the browser plays the music.

import { start } from "./application.js";
import { exposeApi } from "./page_api.js";

exposeApi();
start();
