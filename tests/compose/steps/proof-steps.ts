import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkHistory } from "../../../tools/verify/check/check-history.ts";
import { invariants } from "../../../tools/verify/check/findings.ts";
import type { HistoryWriter } from "../../../tools/verify/history-writer.ts";
import { readHistory } from "../../../tools/verify/history.ts";
import { waitForQuiescence } from "../../../tools/verify/quiescence.ts";
import type { Snapshot } from "../../../tools/verify/snapshot.ts";
import { isNode } from "../containers/containers.ts";
import { judge } from "../load/judge-load.ts";
import type { Load } from "../load/load.ts";
import type { Project } from "../containers/project.ts";
import { inSeconds, type Report } from "../report.ts";
import { differences, Tables } from "../tables.ts";
import { recordWebhooks } from "../webhooks/webhook-step.ts";

const quiescentWithinMs = 30_000;
/** The exit code of a container that `docker stop` had to kill. */
const killedExitCode = 137;

export interface Proof {
  project: Project;
  load: Load;
  history: HistoryWriter;
  /** The folder for the history and the snapshot of the tables. */
  out: string;
  report: Report;
}

/** Waits for quiescence, and checks the tables against the history of the clients. */
export async function proveNothingLost(proof: Proof): Promise<Snapshot> {
  const { project, load, history, out, report } = proof;
  report.say("waiting for quiescence");
  const undecided = await load.stop();
  const { unclear, figures } = judge(load.sent, () => true);
  const isDecided = undecided === 0 && unclear.length === 0;
  report.row("all requests", isDecided, `${undecided} idempotent requests undecided; ${figures}`);
  const tables = new Tables(project);
  const startMs = performance.now();
  const left = await waitForQuiescence(tables, quiescentWithinMs);
  const tookMs = performance.now() - startMs;
  report.row("quiescence", left.length === 0, left.join(", ") || `after ${inSeconds(tookMs)}`);
  const snapshot = await tables.snapshot();
  await writeFile(join(out, "snapshot.json"), JSON.stringify(snapshot));
  await recordWebhooks(project, history);
  await history.close();
  for (const { invariant, violations, checked } of checkHistory(
    await readHistory(join(out, "history.jsonl")),
    snapshot,
  )) {
    const [first] = violations;
    const checkedCounts = [...checked].map(([kind, number]) => `${number} ${kind}`).join(", ");
    const details =
      first === undefined ? "" : `${violations.length} violations: ${JSON.stringify(first)}; `;
    report.row(invariants[invariant], violations.length === 0, `${details}${checkedCounts}`);
  }
  return snapshot;
}

/** Checks that all containers stop by themselves, and that `up -d` finds the same data. */
export async function stopAndStart(
  { project, report }: Pick<Proof, "project" | "report">,
  before: Snapshot,
): Promise<void> {
  report.say("stopping");
  const startMs = performance.now();
  await project.compose("stop");
  const containers = await project.containers();
  const bad = containers.filter(
    (container) =>
      container.isRunning ||
      container.exitCode === killedExitCode ||
      (isNode(container) && container.exitCode !== 0),
  );
  const codes = bad.map(({ name, exitCode }) => `${name} with ${exitCode}`);
  report.row(
    "stop",
    bad.length === 0,
    `${containers.length - bad.length} of ${containers.length} stopped by themselves within ${inSeconds(performance.now() - startMs)}${codes.length > 0 ? `; ${codes.join(", ")}` : ""}`,
  );
  report.say("starting again");
  await project.up();
  const changed = differences(before, await new Tables(project).snapshot());
  const { orders, users, products } = before;
  const counts = `${orders.orders.length} orders, ${products.products.length} products, ${users.users.length} users`;
  report.row("up -d again", changed.length === 0, changed.join(", ") || `${counts} unchanged`);
}
