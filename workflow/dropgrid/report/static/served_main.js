// The page that `dropgrid open` serves: its corrections are kept, and its sound is decoded, by the server.

import { start } from "./application.js";
import { coverReader } from "./covers.js";
import { openDoor } from "./door.js";
import { bench } from "./editor.js";
import { player } from "./player.js";
import { sampled } from "./sampled_player.js";
import { server } from "./server.js";

bench.store = server;
coverReader.fetchCover = (track) => server.fetchCover(track);
player.engine = sampled;
openDoor({ server });
start();
