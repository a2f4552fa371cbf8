import type { HistoryWriter } from "../../tools/verify/history-writer.ts";
import type { Account } from "../../tools/verify/workload/market.ts";
import type { Project } from "./project.ts";
import { inSeconds, type Report } from "./report.ts";
import { walkThrough } from "./walk-through.ts";

const openWithinMs = 60_000;

/** `up -d` on nothing, and the walk-through. Throws when the shop does not open at all. */
export async function openShop(
  project: Project,
  history: HistoryWriter,
  report: Report,
): Promise<Account> {
  report.say("building");
  const buildMs = performance.now();
  await project.compose("build");
  report.row("build", true, inSeconds(performance.now() - buildMs));
  report.say("starting");
  // What `up` waits for is all there is to wait for.
  await project.compose("up", "-d");
  const admin = await walkThrough(project.url, history);
  const passedAtMs = Date.now();
  const containers = await project.containers();
  const firstMs = Math.min(...containers.map(({ startedAtMs }) => startedAtMs));
  const tookMs = passedAtMs - firstMs;
  report.row(
    "up -d, walk-through",
    tookMs <= openWithinMs,
    `passes ${inSeconds(tookMs)} after the first container's start`,
  );
  await project.healthy();
  report.row("ps", true, `all ${containers.length} are healthy, or have done their work`);
  return admin;
}
