import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { contracts } from "../../services/registry.ts";
import { hostileRequests, type HostileRequest } from "../support/graphql/hostile-documents.ts";
import { KeepAliveClient, type HttpAnswer } from "../support/http/keep-alive-client.ts";
import { startMeasuredShop, type MeasuredShop } from "../support/measured-shop.ts";
import { internals } from "../support/http/error-expectations.ts";

/** CPU time that a refusal may cost, in units of this machine's: some 100 ms on a slow one. */
const maxUnits = 25;
/** The least counts, since what the shop does in the background only adds to it. */
const tries = 3;
/** By hand: 200 of all. What is large costs its sender time, too. */
const repetitions = Number(process.env.HOSTILE_REPETITIONS ?? 25);
const largeBytes = 100_000;
/** How often it is looked whether memory has come back. */
const looks = 40;
const everyMs = 100;
const noiseBytes = 6 * 1_048_576;
const maxAnswerCharacters = 20_000;

let shop: MeasuredShop;
let client: KeepAliveClient;
let token: string;

beforeAll(async () => {
  shop = await startMeasuredShop({ RATE_LIMIT_PER_SECOND: "0" });
  client = new KeepAliveClient(shop.url, 1);
  // Whatever is refused is not refused for want of rights.
  ({ token } = await shop.signIn("admin", 1));
});
afterAll(async () => {
  client.close();
  await shop.stop();
});

/** Actions that answer fields. */
const fieldActions = new Set(
  contracts.flatMap(({ name, actions }) =>
    Object.entries(actions)
      .filter(([, action]) => action.graphql !== undefined)
      .map(([action]) => `${name}.${action}`),
  ),
);

/** How often each action that answers a field was called so far. */
async function fieldCalls(): Promise<Record<string, number>> {
  const calls = Object.entries(await shop.measure("calls"));
  return Object.fromEntries(calls.filter(([action]) => fieldActions.has(action)));
}

/** Sends one; undefined when the connection was cut before the answer was read. */
async function send({ body, headers }: HostileRequest): Promise<HttpAnswer | undefined> {
  const json = { "content-type": "application/json", authorization: token };
  try {
    return await client.send({ path: "/graphql", headers: { ...json, ...headers }, body });
  } catch (error) {
    // Whoever is still writing when the connection is closed does not always read the answer.
    if (["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "")) return;
    throw error;
  }
}

const costs = new Map<string, number>();

describe("refused in no time, and nothing is called:", () => {
  test.each(Object.entries(hostileRequests))("%s", async (name, request) => {
    const before = await fieldCalls();
    const tookMs: number[] = [];
    const unitMs: number[] = [];
    for (let n = 0; n < tries; n += 1) {
      unitMs.push(await shop.measure("unitMs"));
      const begunMs = await shop.measure("cpuMs");
      const answer = await send(request);
      tookMs.push((await shop.measure("cpuMs")) - begunMs);
      if (answer !== undefined) expectRefusal(request, answer);
    }
    const units = Math.min(...tookMs) / Math.min(...unitMs);
    costs.set(name, units);
    expect(units).toBeLessThan(maxUnits);
    expect(await fieldCalls()).toEqual(before);
  });
});

function expectRefusal({ code, limit }: HostileRequest, { status, text }: HttpAnswer): void {
  expect(status).toBeLessThan(500);
  expect(text.length).toBeLessThan(maxAnswerCharacters);
  const answer = JSON.parse(text) as { errors: { message: string; extensions: object }[] };
  expect(answer).not.toHaveProperty("data");
  const [first] = answer.errors;
  expect(first?.extensions).toMatchObject({ code, ...(limit !== undefined && { limit }) });
  expect(first?.message).not.toMatch(internals);
}

test("however often they come, they leave nothing behind", async () => {
  const growths: number[] = [];
  // What leaks grows each time; what only warms up does not.
  while (growths.length < tries && !growths.some((bytes) => bytes < noiseBytes)) {
    growths.push(await growthOfAll());
  }
  report(growths);
  expect(Math.min(...growths)).toBeLessThan(noiseBytes);
  expect((await fetch(`${shop.url}/health/ready`)).status).toBe(200);
});

/** Bytes that the heap grows by when all of them come many times. */
async function growthOfAll(): Promise<number> {
  const before = await shop.measure("heapBytes");
  for (const request of Object.values(hostileRequests)) {
    const isLarge = request.body.length > largeBytes;
    for (let n = 0; n < repetitions / (isLarge ? 10 : 1); n += 1) await send(request);
  }
  let grown = Infinity;
  // Buffers of requests that were cut go a little later; what leaks stays.
  for (let look = 0; look < looks && grown >= noiseBytes; look += 1) {
    if (look > 0) await delay(everyMs);
    grown = Math.min(grown, (await shop.measure("heapBytes")) - before);
  }
  return grown;
}

function report(growths: number[]): void {
  const dearest = [...costs].sort(([, a], [, b]) => b - a).slice(0, 5);
  const listed = dearest.map(([name, units]) => `${name} ${units.toFixed(1)}`).join(", ");
  const megabytes = growths.map((bytes) => (bytes / 1_048_576).toFixed(1)).join(", ");
  process.stdout.write(`hostile: units of CPU time: ${listed}; heap grows by ${megabytes} MB\n`);
}
