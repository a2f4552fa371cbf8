import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../tools/support/eventually.ts";
import { isNode, nodeServices } from "./containers.ts";
import { isFailed, judge } from "./judge-load.ts";
import type { Load } from "./load.ts";
import type { Project, Scale } from "./project.ts";
import { inSeconds, type Report } from "./report.ts";

export interface Stage {
  project: Project;
  load: Load;
  report: Report;
  signal: AbortSignal;
}

/** While nothing happens but what the last change has left. */
const betweenPhases = "in between";
const one: Scale = { users: 1, products: 1, orders: 1, api: 1 };
const many: Scale = { users: 2, products: 3, orders: 3, api: 2 };
/** Before anything changes. */
const steadyMs = 5_000;
const wellWithinMs = 15_000;
/** So long nothing must fail until all is called well. */
const quietMs = 3_000;
/** And so much must have succeeded in that time. */
const wellRequests = 30;
const stopWithinMs = 10_000;

/** Up, down and up again, under load. */
export async function scaleUpAndDown(stage: Stage, loadMs: number): Promise<void> {
  const { project, load, signal } = stage;
  const startMs = performance.now();
  await sleep(steadyMs, undefined, { signal });
  await whileNobodyNotices(stage, "scale up", () => project.up(many));
  load.phase = "scaled";
  const leftMs = Math.max(steadyMs, startMs + loadMs - performance.now());
  await sleep(leftMs, undefined, { signal });
  await reportPhase(stage, "steady");
  await reportPhase(stage, "scaled");
  await whileNobodyNotices(stage, "scale down", () => project.up(one));
  await whileNobodyNotices(stage, "scale up again", () => project.up(many));
}

/** Each replica of each of the shop's services, one after the other. */
export async function rollServices(stage: Stage): Promise<void> {
  const { project } = stage;
  for (const service of nodeServices) {
    await whileNobodyNotices(stage, `roll ${service}`, async () => {
      for (const container of await project.containers(service)) await project.restart(container);
    });
  }
  await reportPhase(stage, betweenPhases);
}

/** NATS and each database once: clear errors, and none soon after. */
export async function restartInfrastructure(stage: Stage): Promise<void> {
  const { project, load, report, signal } = stage;
  for (const service of ["nats", "users-db", "products-db", "orders-db"]) {
    const phase = `restart ${service}`;
    report.say(phase);
    load.phase = phase;
    const [container] = await project.containers(service);
    const beganMs = performance.now();
    if (container !== undefined) await project.restart(container);
    const upAgainMs = (await startOf(project, service)) ?? beganMs;
    const isOver = () => signal.aborted || isWell(load, upAgainMs);
    await eventually("all being well", isOver, { withinMs: 60_000 });
    signal.throwIfAborted();
    load.phase = "";
    await load.answered(phase);
    await project.healthy();
    const failures = load.sent.filter((request) => request.phase === phase && isFailed(request));
    const lastMs = Math.max(beganMs, ...failures.map(({ endMs }) => endMs));
    const recoveredMs = Math.max(0, lastMs - upAgainMs);
    const { unclear, figures } = judge(load.sent, (name) => name === phase);
    report.row(
      phase,
      unclear.length === 0 && recoveredMs <= wellWithinMs,
      `last failure ${inSeconds(recoveredMs)} after its start; ${figures}`,
    );
  }
}

/** All that was begun for a while was answered, and nothing of that has failed. */
function isWell({ sent, oldestMs }: Load, sinceMs: number): boolean {
  const nowMs = performance.now();
  const afterMs = Math.max(sinceMs, nowMs - quietMs);
  const last = sent.filter(({ endMs }) => endMs > afterMs);
  const isLongEnough = nowMs - sinceMs > quietMs && oldestMs > nowMs - quietMs;
  return isLongEnough && last.length >= wellRequests && !last.some(isFailed);
}

/** When the only container of a service has started, on this process's clock. */
async function startOf(project: Project, service: string): Promise<number | undefined> {
  const [container] = await project.containers(service);
  if (container === undefined) return undefined;
  return container.startedAtMs - performance.timeOrigin;
}

/** Does something to services only: no read may fail. */
async function whileNobodyNotices(
  stage: Stage,
  phase: string,
  work: () => Promise<void>,
): Promise<void> {
  stage.report.say(phase);
  stage.load.phase = phase;
  await work();
  await reportPhase(stage, phase);
}

/** Requests that are begun while one waits for those of the phase belong to none. */
async function reportPhase({ load, report }: Stage, phase: string): Promise<void> {
  load.phase = phase === betweenPhases ? "" : betweenPhases;
  await load.answered(phase);
  const { failedReads, unclear, figures } = judge(load.sent, (name) => name === phase);
  report.row(phase, failedReads.length === 0 && unclear.length === 0, figures);
}

/** Every node that was stopped so far has ended by itself, and in time. */
export function reportEnds({ project, report }: Pick<Stage, "project" | "report">): void {
  const ends = project.ends.filter(isNode);
  const bad = ends.filter(
    ({ exitCode, tookMs }) => exitCode !== 0 || (tookMs ?? Infinity) > stopWithinMs,
  );
  const slowestMs = Math.max(0, ...ends.map(({ tookMs }) => tookMs ?? 0));
  const others = bad.map(
    ({ container, exitCode, tookMs }) =>
      `${container} with ${exitCode} after ${tookMs === undefined ? "no signal" : inSeconds(tookMs)}`,
  );
  report.row(
    "nodes that stop",
    ends.length > 0 && bad.length === 0,
    `${ends.length - bad.length} of ${ends.length} ended by themselves, within ${inSeconds(slowestMs)}${others.length > 0 ? `; ${others.join(", ")}` : ""}`,
  );
}
