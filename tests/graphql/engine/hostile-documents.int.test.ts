import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { contracts } from "../../../services/registry.ts";
import { hostileRequests, type HostileRequest } from "../../support/graphql/hostile-documents.ts";
import { KeepAliveClient, type HttpAnswer } from "../../support/http/keep-alive-client.ts";
import { startMeasuredShop, type MeasuredShop } from "../../support/measured-shop.ts";
import { internals } from "../../support/http/error-expectations.ts";

/** The maximum CPU time of a rejection, in units of this machine: about 100 ms on a slow one. */
const maxUnits = 25;
/** The minimum of the measurements counts, since background work only adds CPU time. */
const measurements = 3;
/** How often each document is sent. Large ones are sent a tenth as often. */
const repetitions = Number(process.env.HOSTILE_REPETITIONS ?? 25);
const largeBytes = 100_000;
/** How often the heap is measured while it waits for memory to be freed. */
const heapChecks = 40;
const everyMs = 100;
const noiseBytes = 6 * 1_048_576;
const maxAnswerCharacters = 20_000;

let shop: MeasuredShop;
let client: KeepAliveClient;
let token: string;

beforeAll(async () => {
  shop = await startMeasuredShop({ RATE_LIMIT_PER_SECOND: "0" });
  client = new KeepAliveClient(shop.url, 1);
  // An admin sends all documents, so that none is rejected for missing rights.
  ({ token } = await shop.signIn("admin", 1));
});
afterAll(async () => {
  client.close();
  await shop.stop();
});

/** The actions that resolve fields. */
const fieldActions = new Set(
  contracts.flatMap(({ name, actions }) =>
    Object.entries(actions)
      .filter(([, action]) => action.graphql !== undefined)
      .map(([action]) => `${name}.${action}`),
  ),
);

/** Returns how often each action that resolves a field was called. */
async function fieldCalls(): Promise<Record<string, number>> {
  const calls = Object.entries(await shop.measure("calls"));
  return Object.fromEntries(calls.filter(([action]) => fieldActions.has(action)));
}

/** Sends a request. Returns undefined if the connection was closed before the response was read. */
async function send({ body, headers }: HostileRequest): Promise<HttpAnswer | undefined> {
  const json = { "content-type": "application/json", authorization: token };
  try {
    return await client.send({ path: "/graphql", headers: { ...json, ...headers }, body });
  } catch (error) {
    // A client that still writes when the gateway closes the connection may miss the response.
    if (["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "")) return;
    throw error;
  }
}

const costs = new Map<string, number>();

describe("a hostile document is rejected with little CPU time and without a call:", () => {
  test.each(Object.entries(hostileRequests))("%s", async (name, request) => {
    const before = await fieldCalls();
    const tookMs: number[] = [];
    const unitMs: number[] = [];
    for (let n = 0; n < measurements; n += 1) {
      unitMs.push(await shop.measure("unitMs"));
      const cpuBeforeMs = await shop.measure("cpuMs");
      const response = await send(request);
      tookMs.push((await shop.measure("cpuMs")) - cpuBeforeMs);
      if (response !== undefined) expectRejection(request, response);
    }
    const units = Math.min(...tookMs) / Math.min(...unitMs);
    costs.set(name, units);
    expect(units).toBeLessThan(maxUnits);
    expect(await fieldCalls()).toEqual(before);
  });
});

function expectRejection({ code, limit }: HostileRequest, { status, text }: HttpAnswer): void {
  expect(status).toBeLessThan(500);
  expect(text.length).toBeLessThan(maxAnswerCharacters);
  const body = JSON.parse(text) as { errors: { message: string; extensions: object }[] };
  expect(body).not.toHaveProperty("data");
  const [first] = body.errors;
  expect(first?.extensions).toMatchObject({ code, ...(limit !== undefined && { limit }) });
  expect(first?.message).not.toMatch(internals);
}

test("hostile documents leak no memory, however often they are sent", async () => {
  const growths: number[] = [];
  // A leak grows in each round; the effects of a warm-up do not.
  while (growths.length < measurements && !growths.some((bytes) => bytes < noiseBytes)) {
    growths.push(await growthOfAll());
  }
  report(growths);
  expect(Math.min(...growths)).toBeLessThan(noiseBytes);
  expect((await fetch(`${shop.url}/health/ready`)).status).toBe(200);
});

/** Sends all documents many times. Returns the growth of the heap in bytes. */
async function growthOfAll(): Promise<number> {
  const before = await shop.measure("heapBytes");
  for (const request of Object.values(hostileRequests)) {
    const isLarge = request.body.length > largeBytes;
    for (let n = 0; n < repetitions / (isLarge ? 10 : 1); n += 1) await send(request);
  }
  let grown = Infinity;
  // Buffers of aborted requests are freed a little later; leaked memory stays.
  for (let check = 0; check < heapChecks && grown >= noiseBytes; check += 1) {
    if (check > 0) await delay(everyMs);
    grown = Math.min(grown, (await shop.measure("heapBytes")) - before);
  }
  return grown;
}

function report(growths: number[]): void {
  const mostExpensive = [...costs].sort(([, a], [, b]) => b - a).slice(0, 5);
  const listed = mostExpensive.map(([name, units]) => `${name} ${units.toFixed(1)}`).join(", ");
  const megabytes = growths.map((bytes) => (bytes / 1_048_576).toFixed(1)).join(", ");
  process.stdout.write(`hostile: units of CPU time: ${listed}; heap grows by ${megabytes} MB\n`);
}
