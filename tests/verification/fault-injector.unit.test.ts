import { expect, test } from "@jest/globals";
import { FaultInjector, type InjectionPoints } from "../../tools/verify/faults/fault-injector.ts";
import type { HistoryWriter } from "../../tools/verify/history-writer.ts";
import { steps } from "../../tools/verify/preload/steps.ts";
import { Random } from "../../tools/verify/random.ts";
import type { HistoryLine } from "../../tools/verify/history.ts";

/** Injects a fault into a node of each service. Returns what the chosen node was told. */
async function inject(
  kind: "kill-at-step" | "pause-at-step" | "postgres-at-step",
  { reachesStep }: { reachesStep: boolean },
) {
  const told: string[] = [];
  const written: HistoryLine[] = [];
  const nodes = [...new Set(steps.map(({ service }) => service))].map((service) => {
    const node = {
      name: `${service}-1`,
      services: [service],
      isHealthy: true,
      during: <Result>(fault: Promise<Result>) => fault,
      signal: (signal: string) => told.push(signal),
      kill: () => told.push("SIGKILL"),
      arm: (step: string | null) => {
        told.push(step === null ? "go on" : "armed");
        if (step !== null && reachesStep) injector.onHit(node as never, step);
      },
    };
    return node;
  });
  const databases = { crashSessions: async () => Promise.resolve(told.push("crash")) };
  const injector = new FaultInjector(
    { shop: { nodes }, databases } as unknown as InjectionPoints,
    new Random(1),
    { nowMs: 0, write: (line: HistoryLine) => written.push(line) } as unknown as HistoryWriter,
  );
  await injector.inject(kind, 2);
  return { told, written };
}

test("a node is paused at its step, and goes on afterwards", async () => {
  const { told, written } = await inject("pause-at-step", { reachesStep: true });
  expect(told).toEqual(["armed", "SIGSTOP", "SIGCONT", "go on"]);
  expect(written).toMatchObject([{ line: "fault", kind: "pause-at-step" }]);
});

test("PostgreSQL crashes while a node is stopped at its step", async () => {
  const { told } = await inject("postgres-at-step", { reachesStep: true });
  expect(told).toEqual(["armed", "SIGSTOP", "crash", "SIGCONT", "go on"]);
});

test("a node is killed at its step", async () => {
  const { told } = await inject("kill-at-step", { reachesStep: true });
  expect(told).toEqual(["armed", "SIGKILL", "go on"]);
});

test.each(["kill-at-step", "pause-at-step", "postgres-at-step"] as const)(
  "a node that reaches its step too late for %s goes on, and is not signalled",
  async (kind) => {
    const { told, written } = await inject(kind, { reachesStep: false });
    expect(told).toEqual(["armed", "go on"]);
    expect(written).toMatchObject([{ line: "missed fault", kind }]);
  },
);
