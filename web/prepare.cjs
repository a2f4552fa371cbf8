"use strict";

/*
 * `npm ci` runs this file last: it builds the pages. Without the development packages, as in an
 * image, there is nothing to build with, and it does nothing. It runs on any version of Node.
 */
const { spawnSync } = require("node:child_process");
const { existsSync } = require("node:fs");
const { join } = require("node:path");

if (existsSync(join(__dirname, "..", "node_modules", "vite"))) {
  const options = { cwd: join(__dirname, ".."), stdio: "inherit" };
  process.exitCode = spawnSync("npm", ["run", "--silent", "build:web"], options).status ?? 1;
}
