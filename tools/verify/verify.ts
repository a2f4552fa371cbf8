import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { openRunFolder } from "../support/run-folder.ts";
import { ArgumentError, readArguments, usage, type Arguments } from "./arguments.ts";
import type { Mutant } from "./mutants/mutants.ts";
import { mutantResult } from "./mutants/mutant-result.ts";
import { checkHistory } from "./check/check-history.ts";
import { Databases } from "./cluster/databases.ts";
import { Nats } from "./cluster/nats.ts";
import { readHistory } from "./history.ts";
import { mutantPlan, usualPlan } from "./plans.ts";
import { figuresOf } from "./report/figures.ts";
import { pictureOf } from "./report/picture.ts";
import { tableOf } from "./report/table.ts";
import { judge, statusOf, type Verdict } from "./report/verdict.ts";
import { historyFile, run, snapshotFile, type Stage } from "./run.ts";
import type { Snapshot } from "./snapshot.ts";

/** `npm run verify`: uses a real cluster while faults strike, and checks what became of it. */

/** Shops that are broken on purpose, side by side: they wait more than they work. */
const breaksAtOnce = 2;
/** npm hands a terminal's Ctrl-C on to a program that has had it from the terminal already. */
const sameSignalMs = 500;
const interrupted = new AbortController();
let interruptedAtMs = Infinity;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // The second one does not wait; what was started ends with us.
    if (performance.now() - interruptedAtMs > sameSignalMs) process.exit(130);
    interruptedAtMs = Math.min(interruptedAtMs, performance.now());
    interrupted.abort();
  });
}

let status: number;
try {
  status = await main(readArguments(process.argv.slice(2)));
} catch (error) {
  // The terminal's Ctrl-C ends the nodes, too: what fails then fails because of it.
  if (!interrupted.signal.aborted) {
    console.error(error instanceof ArgumentError ? `${error.message}\n\n${usage}` : error);
  }
  status = 2;
}
// Left to end by itself, Node may wait for ever for connections that were cut (v24.21).
process.exit(interrupted.signal.aborted ? 130 : status);

async function main(args: Arguments): Promise<number> {
  if (args.help) {
    console.log(usage);
    return 0;
  }
  if (args.replay !== undefined) return statusOf(await check(args.replay));
  const out = resolve(args.out ?? join("data", "verify", `seed-${args.seed}-${Date.now()}`));
  await mkdir(out, { recursive: true });
  const runFolder = await openRunFolder();
  const dataDir = join(runFolder.path, "data");
  await mkdir(dataDir);
  let databases: Databases | undefined;
  const nats = await Nats.create(dataDir);
  try {
    await nats.start();
    databases = await Databases.start(dataDir);
    const stage = { databases, nats, signal: interrupted.signal, say };
    if (args.mutants.length === 0) return await verify(args, { ...stage, name: "", folder: out });
    return await verifyBreaks(args, stage, out);
  } finally {
    await nats.kill();
    await databases?.stop();
    await runFolder.close();
  }
}

async function verify(args: Arguments, stage: Stage): Promise<number> {
  await run(usualPlan(args), stage);
  if (interrupted.signal.aborted) return 130;
  return statusOf(await check(stage.folder));
}

/** Breaks the shop in one way after the other; every break must be seen for what it is. */
async function verifyBreaks(
  args: Arguments,
  stage: Omit<Stage, "name" | "folder">,
  out: string,
): Promise<number> {
  const left = [...args.mutants];
  const results: { isCaught: boolean; text: string }[] = [];
  const worker = async () => {
    for (let broken = left.shift(); broken !== undefined; broken = left.shift()) {
      if (interrupted.signal.aborted) return;
      results.push(await verifyBreak(args, broken, stage, join(out, broken.name)));
    }
  };
  await Promise.all(Array.from({ length: breaksAtOnce }, worker));
  if (interrupted.signal.aborted) return 130;
  console.log(`\n${results.map(({ text }) => text).join("\n")}`);
  return results.every(({ isCaught }) => isCaught) ? 1 : 2;
}

async function verifyBreak(
  args: Arguments,
  broken: Mutant,
  stage: Omit<Stage, "name" | "folder">,
  folder: string,
) {
  const startMs = performance.now();
  await mkdir(folder, { recursive: true });
  const name = broken.name.replaceAll("-", "_");
  const result = await run(mutantPlan(args, broken), {
    ...stage,
    name,
    folder,
    say: (progress) => {
      say(`${broken.name}: ${progress}`);
    },
  });
  const { violations } = await check(folder);
  const { isCaught, text } = mutantResult(broken, result.broken, violations);
  const tookS = ((performance.now() - startMs) / 1_000).toFixed(1);
  return { isCaught, text: `break ${broken.name}: ${text} (${tookS} s)` };
}

/** Checks a history and the tables beside it, prints the report and draws the picture. */
async function check(path: string): Promise<Verdict> {
  const isFolder = (await stat(path)).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const file = join(folder, isFolder ? historyFile : basename(path));
  const tables = join(folder, snapshotFile);
  if (!existsSync(file) || !existsSync(tables)) {
    throw new ArgumentError(`${folder} holds no ${basename(file)} with a ${snapshotFile}.`);
  }
  const history = await readHistory(file);
  const snapshot = JSON.parse(await readFile(tables, "utf8")) as Snapshot;
  const findings = checkHistory(history, snapshot);
  const figures = figuresOf(history);
  const verdict = judge(findings, figures);
  console.log(`\n${tableOf(figures, findings, verdict)}\n`);
  await writeFile(join(folder, "picture.svg"), pictureOf(history, figures, verdict));
  await writeFile(join(folder, "violations.json"), JSON.stringify(verdict, null, 2));
  console.log(`History, tables, logs and picture.svg: ${folder}`);
  return verdict;
}

function say(progress: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${progress}`);
}
