// The page in a file: corrections are kept in this browser, and the browser plays the music.

import { start } from "./application.js";
import { openDoor } from "./door.js";

openDoor();
start();
