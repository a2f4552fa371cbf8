import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Tarpit } from "../../services/api/limits/tarpit.ts";

/** Whether a refusal is answered at once. */
async function isAnswered(refusal: Promise<void>): Promise<boolean> {
  return Promise.race([refusal.then(() => true), nextTurn(false)]);
}

test("whoever goes on asking is answered late, and nobody else", async () => {
  const tarpit = new Tarpit();
  for (let n = 0; n < 50; n += 1) expect(await isAnswered(tarpit.hold("rain"))).toBe(true);
  const begun = performance.now();
  const late = tarpit.hold("rain");
  expect(await isAnswered(late)).toBe(false);
  expect(await isAnswered(tarpit.hold("ann"))).toBe(true);
  await late;
  expect(performance.now() - begun).toBeGreaterThan(400);
});

test("so many answers are held back at a time, and no more", async () => {
  const tarpit = new Tarpit();
  const refusals = Array.from({ length: 2_050 }, () => tarpit.hold("rain"));
  expect(await isAnswered(tarpit.hold("rain"))).toBe(true);
  await Promise.all(refusals);
  expect(await isAnswered(tarpit.hold("rain"))).toBe(false);
});
