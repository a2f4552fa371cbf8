import type { HistoryWriter } from "../../../tools/verify/history-writer.ts";
import type { Account } from "../../../tools/verify/workload/market.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import type { Project } from "../containers/project.ts";
import { inSeconds, type Report } from "../report.ts";
import { walkThrough } from "./walk-through.ts";

const openWithinMs = 60_000;

/** Runs `up -d` without existing containers, and the walk-through. Throws if the shop does not open. */
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
  await project.compose("up", "-d");
  // The health checks of the compose file suffice for the shop; `up` does not wait until the load
  // balancer, which starts last, listens.
  await eventually("the load balancer listening", () =>
    fetch(`${project.url}/health/live`).then(() => true),
  );
  const admin = await walkThrough(project.url, history);
  const passedAtMs = Date.now();
  const containers = await project.containers();
  const firstMs = Math.min(...containers.map(({ startedAtMs }) => startedAtMs));
  const tookMs = passedAtMs - firstMs;
  report.row(
    "up -d, walk-through",
    tookMs <= openWithinMs,
    `passed ${inSeconds(tookMs)} after the start of the first container`,
  );
  await project.healthy();
  report.row("ps", true, `all ${containers.length} containers are healthy or done`);
  return admin;
}
