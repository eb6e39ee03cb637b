// The page that `dropgrid open` serves: its corrections are kept, and its sound is decoded, by the server.

import { start } from "./application.js";
import { openDoor } from "./door.js";
import { bench } from "./editor.js";
import { player } from "./player.js";
import { sampled } from "./sampled_player.js";
import { server } from "./server.js";

bench.store = server;
player.engine = sampled;
openDoor({ server });
start();
