import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkHistory } from "../../tools/verify/check/check-history.ts";
import { invariants } from "../../tools/verify/check/findings.ts";
import type { HistoryWriter } from "../../tools/verify/history-writer.ts";
import { readHistory } from "../../tools/verify/history.ts";
import { waitForQuiescence } from "../../tools/verify/quiescence.ts";
import type { Snapshot } from "../../tools/verify/snapshot.ts";
import { isNode } from "./containers.ts";
import { judge } from "./judge-load.ts";
import type { Load } from "./load.ts";
import type { Project } from "./project.ts";
import { inSeconds, type Report } from "./report.ts";
import { differences, Tables } from "./tables.ts";

const quietWithinMs = 30_000;
/** What `docker stop` leaves of a program that did not end by itself. */
const killedExitCode = 137;

export interface Proof {
  project: Project;
  load: Load;
  history: HistoryWriter;
  /** Where history and tables are left. */
  out: string;
  report: Report;
}

/** Lets the shop come to rest, and holds its tables against what its clients were told. */
export async function proveNothingLost(proof: Proof): Promise<Snapshot> {
  const { project, load, history, out, report } = proof;
  report.say("waiting for rest");
  const open = await load.stop();
  const { unclear, figures } = judge(load.sent, () => true);
  const isAnswered = open === 0 && unclear.length === 0;
  report.row("all requests", isAnswered, `${open} with a key left without an answer; ${figures}`);
  const tables = new Tables(project);
  const startMs = performance.now();
  const left = await waitForQuiescence(tables, quietWithinMs);
  const restMs = performance.now() - startMs;
  report.row("rest", left.length === 0, left.join(", ") || `after ${inSeconds(restMs)}`);
  const snapshot = await tables.snapshot();
  await writeFile(join(out, "snapshot.json"), JSON.stringify(snapshot));
  await history.close();
  for (const { invariant, violations, checked } of checkHistory(
    await readHistory(join(out, "history.jsonl")),
    snapshot,
  )) {
    const [first] = violations;
    const looked = [...checked].map(([what, number]) => `${number} ${what}`).join(", ");
    const broken =
      first === undefined ? "" : `${violations.length} violations: ${JSON.stringify(first)}; `;
    report.row(invariants[invariant], violations.length === 0, `${broken}${looked}`);
  }
  return snapshot;
}

/** `stop` ends everything by itself, and `up -d` finds everything again. */
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
    `${containers.length - bad.length} of ${containers.length} ended by themselves, in ${inSeconds(performance.now() - startMs)}${codes.length > 0 ? `; ${codes.join(", ")}` : ""}`,
  );
  report.say("starting again");
  await project.up();
  const found = differences(before, await new Tables(project).snapshot());
  const { orders, users, products } = before;
  const counts = `${orders.orders.length} orders, ${products.products.length} products, ${users.users.length} users`;
  report.row("up -d again", found.length === 0, found.join(", ") || `${counts}, all as before`);
}
