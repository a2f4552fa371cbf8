import { expect, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import { EventStream } from "../../services/api/subscriptions/event-stream.ts";

const stream = new EventStream();
const publish = (data: number) => {
  stream.publish({ type: "happened", data } as unknown as EventEnvelope);
};

/** Subscribes to everything; `allowed` says for how long. */
function subscribe() {
  const state = { allowed: true };
  const whyNot = () => (state.allowed ? undefined : new Error("no more"));
  return { state, events: stream.events(["happened"], () => true, whyNot) };
}

test("a subscriber who may see nothing more gets no event, and learns why", async () => {
  const { state, events } = subscribe();
  publish(1);
  expect(await events.next()).toEqual({ done: false, value: 1 });
  const next = events.next();
  state.allowed = false;
  publish(2);
  await expect(next).rejects.toThrow("no more");
  await expect(events.next()).rejects.toThrow("no more");
  expect(stream.count("happened")).toBe(0);
});

test("nor does one who is slow get what waits for them", async () => {
  const { state, events } = subscribe();
  publish(1);
  publish(2);
  state.allowed = false;
  await expect(events.next()).rejects.toThrow("no more");
  expect(stream.count("happened")).toBe(0);
});
