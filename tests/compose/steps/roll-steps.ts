import { setTimeout as sleep } from "node:timers/promises";
import { domainServices, serviceNames } from "../../../services/registry.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import { isNode } from "../containers/containers.ts";
import { isFailed, judge, type Verdict } from "../load/judge-load.ts";
import type { Load } from "../load/load.ts";
import type { Project, Scale } from "../containers/project.ts";
import { inSeconds, type Report } from "../report.ts";

export interface Stage {
  project: Project;
  load: Load;
  report: Report;
  signal: AbortSignal;
}

/** The phase after a change, which belongs to no step. */
const betweenPhases = "in between";
const one: Scale = { users: 1, products: 1, orders: 1, webhooks: 1, api: 1 };
const many: Scale = { users: 2, products: 3, orders: 3, webhooks: 2, api: 2 };
/** How long the load runs before the first change. */
const steadyMs = 5_000;
const recoveredWithinMs = 15_000;
/** The shop counts as recovered after this time without a failure, with this many requests. */
const withoutFailureMs = 3_000;
const minRequests = 30;
const stopWithinMs = 10_000;

/** Scales up, down and up again, under load. */
export async function scaleUpAndDown(stage: Stage, loadMs: number): Promise<void> {
  const { project, load, signal } = stage;
  const startMs = performance.now();
  await sleep(steadyMs, undefined, { signal });
  await withoutFailedReads(stage, "scale up", () => project.up(many));
  load.phase = "scaled";
  const leftMs = Math.max(steadyMs, startMs + loadMs - performance.now());
  await sleep(leftMs, undefined, { signal });
  await reportPhase(stage, "steady");
  await reportPhase(stage, "scaled");
  await withoutFailedReads(stage, "scale down", () => project.up(one));
  await withoutFailedReads(stage, "scale up again", () => project.up(many));
}

/** Restarts each replica of each service, one after the other. */
export async function rollServices(stage: Stage): Promise<void> {
  const { project } = stage;
  for (const service of serviceNames) {
    await withoutFailedReads(stage, `roll ${service}`, async () => {
      for (const container of await project.containers(service)) await project.restart(container);
    });
  }
  await reportPhase(stage, betweenPhases);
}

/** Kills a gateway. The load balancer repeats reads, and mutations with a key. */
export async function killGateway(stage: Stage): Promise<void> {
  const { project, signal, load, report } = stage;
  const [gateway] = await project.containers("api");
  if (gateway === undefined) throw new Error("no gateway has a container");
  const phase = "kill a gateway";
  report.say(phase);
  load.phase = phase;
  await project.docker("kill", gateway.id);
  await sleep(steadyMs, undefined, { signal });
  await project.docker("start", gateway.id);
  await project.healthy();
  const { failedReads, failedMutations, figures } = await endPhase(stage, phase);
  report.row(phase, failedReads.length === 0 && failedMutations.length === 0, figures);
  await reportPhase(stage, betweenPhases);
}

/** Restarts NATS and each database. Requests must fail with a code, and soon succeed again. */
export async function restartInfrastructure(stage: Stage): Promise<void> {
  const { project, load, report, signal } = stage;
  for (const service of ["nats", ...domainServices.map((name) => `${name}-db`)]) {
    const phase = `restart ${service}`;
    report.say(phase);
    load.phase = phase;
    const [container] = await project.containers(service);
    const restartMs = performance.now();
    if (container !== undefined) await project.restart(container);
    const upAgainMs = (await startOf(project, service)) ?? restartMs;
    const isOver = () => signal.aborted || hasRecovered(load, upAgainMs);
    await eventually("requests succeed again", isOver, { withinMs: 60_000 });
    signal.throwIfAborted();
    load.phase = "";
    await load.answered(phase);
    await project.healthy();
    const failures = load.sent.filter((request) => request.phase === phase && isFailed(request));
    const lastMs = Math.max(restartMs, ...failures.map(({ endMs }) => endMs));
    const recoveredMs = Math.max(0, lastMs - upAgainMs);
    const { unclear, figures } = judge(load.sent, (name) => name === phase);
    report.row(
      phase,
      unclear.length === 0 && recoveredMs <= recoveredWithinMs,
      `last failure ${inSeconds(recoveredMs)} after the start; ${figures}`,
    );
  }
}

/** Returns true if enough requests succeeded and none failed for a while. */
function hasRecovered({ sent, oldestMs }: Load, sinceMs: number): boolean {
  const nowMs = performance.now();
  const afterMs = Math.max(sinceMs, nowMs - withoutFailureMs);
  const last = sent.filter(({ endMs }) => endMs > afterMs);
  const isLongEnough = nowMs - sinceMs > withoutFailureMs && oldestMs > nowMs - withoutFailureMs;
  return isLongEnough && last.length >= minRequests && !last.some(isFailed);
}

/** Returns the start time of a service's only container, on this process's clock. */
async function startOf(project: Project, service: string): Promise<number | undefined> {
  const [container] = await project.containers(service);
  if (container === undefined) return undefined;
  return container.startedAtMs - performance.timeOrigin;
}

/** Runs a change of services, during which no read may fail. */
async function withoutFailedReads(
  stage: Stage,
  phase: string,
  work: () => Promise<void>,
): Promise<void> {
  stage.report.say(phase);
  stage.load.phase = phase;
  await work();
  await reportPhase(stage, phase);
}

async function reportPhase(stage: Stage, phase: string): Promise<void> {
  const { failedReads, unclear, figures } = await endPhase(stage, phase);
  stage.report.row(phase, failedReads.length === 0 && unclear.length === 0, figures);
}

/** Ends a phase, waits for its requests, and judges them. Later requests belong to no step. */
async function endPhase({ load }: Stage, phase: string): Promise<Verdict> {
  load.phase = phase === betweenPhases ? "" : betweenPhases;
  await load.answered(phase);
  return judge(load.sent, (name) => name === phase);
}

/** Reports whether every node that was stopped so far ended by itself and in time. */
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
    `${ends.length - bad.length} of ${ends.length} stopped by themselves within ${inSeconds(slowestMs)}${others.length > 0 ? `; ${others.join(", ")}` : ""}`,
  );
}
