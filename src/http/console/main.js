/** Where the page begins. */

import { startConsole } from "./shell.js";

await startConsole();
