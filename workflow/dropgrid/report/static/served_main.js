// The page that `dropgrid open` serves: the server saves corrections and decodes the sound.

import { start } from "./application.js";
import { coverReader } from "./covers.js";
import { exposeApi } from "./page_api.js";
import { workbench } from "./editor.js";
import { player } from "./player.js";
import { sampled } from "./sampled_player.js";
import { server } from "./server.js";

workbench.store = server;
coverReader.fetchCover = (track) => server.fetchCover(track);
player.engine = sampled;
exposeApi({ server });
start();
