import { expect, test } from "@jest/globals";
import { TagSubscriptions } from "../../services/api/subscriptions/tag-subscriptions.ts";

const subscriptions = new TagSubscriptions();
const publish = (data: number) => {
  subscriptions.publish("happened", data);
};

/** Subscribes to all events, as long as `allowed` is true. */
function subscribe() {
  const state = { allowed: true };
  const denial = () => (state.allowed ? undefined : new Error("access revoked"));
  return { state, events: subscriptions.events(["happened"], denial) };
}

test("a subscriber whose access is revoked gets no further event, but the reason", async () => {
  const { state, events } = subscribe();
  publish(1);
  expect(await events.next()).toEqual({ done: false, value: 1 });
  const next = events.next();
  state.allowed = false;
  publish(2);
  await expect(next).rejects.toThrow("access revoked");
  await expect(events.next()).rejects.toThrow("access revoked");
  expect(subscriptions.count("happened")).toBe(0);
});

test("a slow subscriber whose access is revoked gets none of the buffered events", async () => {
  const { state, events } = subscribe();
  publish(1);
  publish(2);
  state.allowed = false;
  await expect(events.next()).rejects.toThrow("access revoked");
  expect(subscriptions.count("happened")).toBe(0);
});
