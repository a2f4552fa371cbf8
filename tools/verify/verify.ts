import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { interruptedStatus, onFirstSignal } from "../../commands/process/program.ts";
import { Progress, type Step } from "../../core/progress.ts";
import { ArgumentError } from "../support/arguments.ts";
import { natsServer, PrerequisiteError, provide } from "../support/prerequisites.ts";
import { openRunFolder } from "../support/run-folder.ts";
import { readArguments, usage, type Arguments } from "./arguments.ts";
import type { Mutant } from "./mutants/mutants.ts";
import { mutantResult } from "./mutants/mutant-result.ts";
import { checkHistory } from "./check/check-history.ts";
import { Databases } from "./cluster/databases.ts";
import { createNatsServer } from "../support/nats-server.ts";
import { readHistory } from "./history.ts";
import { mutantPlan, faultPlan } from "./plans.ts";
import { figuresOf } from "./report/figures.ts";
import { pictureOf } from "./report/picture.ts";
import { tableOf } from "./report/table.ts";
import { judge, statusOf, type Verdict } from "./report/verdict.ts";
import { checkRestore } from "./restore/check-restore.ts";
import { runRestore, type RestorableService } from "./restore/run-restore.ts";
import { historyFile, run, snapshotFile, type RunEnvironment } from "./run.ts";
import type { Snapshot } from "./snapshot.ts";

/** `npm run verify`: checks the shop under injected faults. See README.md in this folder. */

/** Mutants tested in parallel; their shops mostly wait. */
const parallelMutants = 2;
const progress = new Progress();
const interrupted = new AbortController();
// All child processes end with this one.
onFirstSignal(() => {
  progress.print("Stopping.", process.stderr);
  interrupted.abort();
});

let status: number;
try {
  status = await main(readArguments(process.argv.slice(2)));
} catch (error) {
  // Ctrl-C in a terminal also ends the nodes, which causes errors that say nothing.
  if (!interrupted.signal.aborted) {
    progress.end();
    if (error instanceof ArgumentError) console.error(`${error.message}\n\n${usage}`);
    else console.error(error instanceof PrerequisiteError ? error.message : error);
  }
  status = 2;
}
// Without process.exit, Node 24.21 may wait forever for connections that were cut.
process.exit(interrupted.signal.aborted ? interruptedStatus : status);

async function main(args: Arguments): Promise<number> {
  if (args.help) {
    console.log(usage);
    return 0;
  }
  if (args.replay !== undefined) return statusOf(await check(args.replay));
  provide(natsServer);
  const out = resolve(args.out ?? join("data", "verify", `seed-${args.seed}-${Date.now()}`));
  await mkdir(out, { recursive: true });
  const runFolder = await openRunFolder();
  const dataDir = join(runFolder.path, "data");
  await mkdir(dataDir);
  let databases: Databases | undefined;
  const nats = await createNatsServer();
  try {
    await nats.start();
    databases = await Databases.start(dataDir);
    const environment = { databases, nats, signal: interrupted.signal };
    if (args.mutants.length > 0) return await verifyMutants(args, environment, out);
    const show = (step: Step) => {
      progress.show(step);
    };
    const named = { ...environment, name: "", folder: out, show };
    if (args.restore !== undefined) return await verifyRestore(args.restore, args.seed, named);
    return await verify(args, named);
  } finally {
    progress.end();
    await nats.killHard();
    await databases?.stop();
    await runFolder.close();
  }
}

async function verify(args: Arguments, environment: RunEnvironment): Promise<number> {
  await run(faultPlan(args), environment);
  if (interrupted.signal.aborted) return interruptedStatus;
  return statusOf(await check(environment.folder));
}

/** Sets the database of a service back under load. Its consumers must halt and report it. */
async function verifyRestore(
  service: RestorableService,
  seed: number,
  environment: RunEnvironment,
): Promise<number> {
  const evidence = await runRestore(service, seed, environment);
  const { checked, violations } = checkRestore(evidence);
  const { folder } = environment;
  await writeFile(join(folder, "restore.json"), JSON.stringify(evidence, null, 2));
  await writeFile(join(folder, "violations.json"), JSON.stringify(violations, null, 2));
  const counts = [...checked].map(([what, number]) => `${number} ${what}`).join(", ");
  const verdict = violations.length === 0 ? "every consumer halts and continues" : "FAILED";
  const rules = violations.map(({ rule, expected }) => `${rule}: expected ${expected}`);
  progress.print(
    `\n${[`Restored: ${service}. Checked: ${counts}.`, ...rules, `Verdict: ${verdict}`].join("\n")}\n`,
  );
  progress.print(`Files of this run: ${folder}`);
  return violations.length === 0 ? 0 : 1;
}

/** Runs a shop with each mutant. Each must violate the invariant that it attacks. */
async function verifyMutants(
  args: Arguments,
  environment: Omit<RunEnvironment, "name" | "folder" | "show">,
  out: string,
): Promise<number> {
  const remaining = [...args.mutants];
  const results: { isCaught: boolean; text: string }[] = [];
  const worker = async () => {
    for (let mutant = remaining.shift(); mutant !== undefined; mutant = remaining.shift()) {
      if (interrupted.signal.aborted) return;
      const { name } = mutant;
      const show = (step: Step) => {
        progress.show({
          name: `mutant ${name}`,
          detail: step.name,
          share: results.length / args.mutants.length,
        });
      };
      const folder = join(out, name);
      results.push(await verifyMutant(args, mutant, { ...environment, folder, show }));
    }
  };
  await Promise.all(Array.from({ length: parallelMutants }, worker));
  if (interrupted.signal.aborted) return interruptedStatus;
  progress.print(`\n${results.map(({ text }) => text).join("\n")}`);
  return results.every(({ isCaught }) => isCaught) ? 1 : 2;
}

async function verifyMutant(
  args: Arguments,
  mutant: Mutant,
  environment: Omit<RunEnvironment, "name">,
) {
  const { folder } = environment;
  const startMs = performance.now();
  await mkdir(folder, { recursive: true });
  const name = mutant.name.replaceAll("-", "_");
  const result = await run(mutantPlan(args, mutant), { ...environment, name });
  const { violations } = await check(folder);
  const { isCaught, text } = mutantResult(mutant, result.mutated, violations);
  const tookS = ((performance.now() - startMs) / 1_000).toFixed(1);
  return { isCaught, text: `mutant ${mutant.name}: ${text} (${tookS} s)` };
}

/** Checks a history and its snapshot, prints the report and writes the picture. */
async function check(path: string): Promise<Verdict> {
  const isFolder = (await stat(path)).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const file = join(folder, isFolder ? historyFile : basename(path));
  const tablesFile = join(folder, snapshotFile);
  if (!existsSync(file) || !existsSync(tablesFile)) {
    throw new ArgumentError(
      `${folder} does not contain both ${basename(file)} and ${snapshotFile}. Name the folder of an earlier run.`,
    );
  }
  const history = await readHistory(file);
  const snapshot = JSON.parse(await readFile(tablesFile, "utf8")) as Snapshot;
  const findings = checkHistory(history, snapshot);
  const figures = figuresOf(history);
  const verdict = judge(findings, figures);
  progress.print(`\n${tableOf(figures, findings, verdict)}\n`);
  await writeFile(join(folder, "picture.svg"), pictureOf(history, figures, verdict));
  await writeFile(join(folder, "violations.json"), JSON.stringify(verdict, null, 2));
  progress.print(`Files of this run: ${folder}`);
  return verdict;
}
