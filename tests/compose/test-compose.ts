import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { interruptedStatus, onFirstSignal } from "../../commands/process/program.ts";
import { HistoryWriter } from "../../tools/verify/history-writer.ts";
import { Random } from "../../tools/verify/random.ts";
import { Market } from "../../tools/verify/workload/market.ts";
import { MarketOpener } from "../../tools/verify/workload/open-market.ts";
import { freePort, projectDir } from "../../tools/support/processes.ts";
import { ArgumentError } from "../../tools/support/arguments.ts";
import { readArguments, usage } from "./arguments.ts";
import { cleanClone } from "./containers/clean-clone.ts";
import { checkEdge } from "./steps/edge-step.ts";
import { checkEventStream } from "./steps/event-stream-step.ts";
import { findEngine, MissingError, type Engine } from "./containers/engine.ts";
import { provideImages } from "./containers/images.ts";
import { Load } from "./load/load.ts";
import { reportImage, reportNodes } from "./steps/node-figures.ts";
import { openLoadMarket } from "./load/open-market.ts";
import { openShop } from "./steps/open-step.ts";
import { Project } from "./containers/project.ts";
import { proveNothingLost, stopAndStart } from "./steps/proof-steps.ts";
import { Report } from "./report.ts";
import {
  killGateway,
  reportEnds,
  restartInfrastructure,
  rollServices,
  scaleUpAndDown,
} from "./steps/roll-steps.ts";
import { lastOpOfWalkThrough } from "./steps/walk-through.ts";
import { addReceiver, createWebhook } from "./webhooks/webhook-step.ts";

/**
 * `npm run test:compose`: starts the shop from a clean clone on a real Docker engine, scales and
 * rolls it under load, restarts NATS and the databases, and checks that no data was lost.
 */

const interrupted = new AbortController();
// A second signal exits without waiting for the cleanup.
onFirstSignal(() => {
  interrupted.abort();
});

let status = 1;
try {
  status = await main(process.argv.slice(2));
} catch (error) {
  const isUserError = error instanceof MissingError || error instanceof ArgumentError;
  console.error(isUserError ? error.message : error);
}
process.exit(interrupted.signal.aborted ? interruptedStatus : status);

async function main(args: string[]): Promise<number> {
  const { loadMs, help } = readArguments(args);
  if (help) {
    console.log(usage);
    return 0;
  }
  const engine = await findEngine();
  const report = new Report(loadMs);
  report.print(engine.versions);
  const out = join(projectDir, "data", "compose", new Date().toISOString().replaceAll(":", "-"));
  await mkdir(out, { recursive: true });
  const folder = await cleanClone(projectDir);
  try {
    await addReceiver(folder);
    await provideImages(engine, folder, report);
    await testProject(engine, folder, { loadMs, out, report });
  } finally {
    report.end();
    await rm(folder, { recursive: true, force: true });
  }
  await writeFile(join(out, "report.txt"), `${engine.versions}\n\n${report.toString()}\n`);
  console.log(`\nHistory, tables, logs and report: ${out}\n\n${report.toString()}`);
  return report.failed === 0 ? 0 : 1;
}

interface Settings {
  loadMs: number;
  out: string;
  report: Report;
}

/** Creates a Compose project, runs all steps with it, and removes it in any case. */
async function testProject(engine: Engine, folder: string, settings: Settings): Promise<void> {
  const { report, out } = settings;
  const { signal } = interrupted;
  const name = `shop-test-${randomBytes(4).toString("hex")}`;
  const project = new Project({ engine, folder, name, port: await freePort(), signal });
  const history = new HistoryWriter(join(out, "history.jsonl"));
  try {
    await runSteps(project, folder, history, settings);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report.row("completion", false, signal.aborted ? "interrupted" : message);
  } finally {
    report.say("removing containers, volumes and image");
    await writeFile(join(out, "containers.log"), await project.logs().catch(() => ""));
    await project.remove();
  }
}

async function runSteps(
  project: Project,
  folder: string,
  history: HistoryWriter,
  { loadMs, out, report }: Settings,
): Promise<void> {
  const { signal } = interrupted;
  const admin = await openShop(project, history, report);
  await checkEdge(project, admin, report);
  const eventStream = checkEventStream(project.url, report);
  await reportImage(project, folder, report);
  await reportNodes(project, report);
  const random = new Random(Date.now() % 1_000_000);
  const market = new Market();
  const opener = new MarketOpener(
    { market, history, urls: [project.url], random },
    lastOpOfWalkThrough,
  );
  await openLoadMarket(opener, admin);
  await createWebhook(project, admin, history);
  await eventStream;
  const load = new Load({ url: project.url, market, random, history });
  const stage = { project, load, report, signal };
  load.start();
  try {
    await scaleUpAndDown(stage, loadMs);
    await rollServices(stage);
    reportEnds(stage);
    await killGateway(stage);
    await restartInfrastructure(stage);
  } finally {
    load.end();
  }
  const snapshot = await proveNothingLost({ project, load, history, out, report });
  await stopAndStart({ project, report }, snapshot);
}
