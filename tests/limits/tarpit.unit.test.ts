import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Tarpit } from "../../services/api/limits/tarpit.ts";

/** Whether the tarpit does not delay an error response. */
async function isImmediate(hold: Promise<void>): Promise<boolean> {
  return Promise.race([hold.then(() => true), nextTurn(false)]);
}

test("the tarpit delays error responses to an address with many errors, and no others", async () => {
  const tarpit = new Tarpit();
  for (let n = 0; n < 50; n += 1) expect(await isImmediate(tarpit.hold("attacker"))).toBe(true);
  const startMs = performance.now();
  const delayed = tarpit.hold("attacker");
  expect(await isImmediate(delayed)).toBe(false);
  expect(await isImmediate(tarpit.hold("ann"))).toBe(true);
  await delayed;
  expect(performance.now() - startMs).toBeGreaterThan(400);
});

test("the tarpit delays only a limited number of responses at a time", async () => {
  const tarpit = new Tarpit();
  const delayed = Array.from({ length: 2_050 }, () => tarpit.hold("attacker"));
  expect(await isImmediate(tarpit.hold("attacker"))).toBe(true);
  await Promise.all(delayed);
  expect(await isImmediate(tarpit.hold("attacker"))).toBe(false);
});
