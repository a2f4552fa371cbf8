"use strict";

/*
 * Every npm command runs this file first: on a machine where the command cannot run, it prints one
 * sentence and ends with status 1. It has to run on any version of Node, so it is not TypeScript.
 * Its arguments are packages that the command needs besides those of production.
 */

const neededMajor = 24;

/** Returns what is missing on this machine, and what to do; or undefined. */
function faultOf(packages) {
  if (process.platform === "win32") {
    return "The shop does not run on Windows itself: run it in WSL 2 (https://learn.microsoft.com/windows/wsl/install) or with Docker (docker compose up).";
  }
  if (!isInstalled("moleculer")) return "The packages of the shop are not installed: run npm ci.";
  if (!loads("@node-rs/argon2")) {
    return "The optional packages are not installed, and the shop needs them: run npm ci without --omit=optional.";
  }
  const major = Number(process.versions.node.split(".")[0]);
  if (major < neededMajor) {
    return `The shop needs Node ${neededMajor} or newer, and this is Node ${process.versions.node}: run npm ci, which installs it, or install it yourself.`;
  }
  if (!packages.every(isInstalled)) {
    return "The development packages are not installed, and this command needs them: run npm ci without --omit=dev.";
  }
  return undefined;
}

function isInstalled(name) {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Returns true if a native package has its binary, which is an optional package of its own. */
function loads(name) {
  try {
    require(name);
    return true;
  } catch {
    return false;
  }
}

const fault = faultOf(process.argv.slice(2));
if (fault !== undefined) {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
