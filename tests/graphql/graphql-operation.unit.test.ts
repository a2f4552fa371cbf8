import { expect, test } from "@jest/globals";
import {
  contextFor,
  type RequestSender,
  type SenderLimits,
} from "../../services/api/graphql/graphql-operation.ts";
import { Deadline } from "../../services/api/limits/deadline.ts";

const limits: SenderLimits = {
  addressGroup: "192.0.2.1",
  take: () => undefined,
  readRows: (_rows, list) => list(),
  isOver: () => false,
};

test("a call after the deadline rejects instead of throwing, which a DataLoader reports as a fault", async () => {
  const deadline = new Deadline();
  const calls: string[] = [];
  const ctx = { meta: {}, call: (action: string) => Promise.resolve(calls.push(action)) };
  const sender = { ctx, deadline, viewer: { kind: "anonymous" } } as unknown as RequestSender;
  const context = contextFor(sender, limits);
  await context.ctx.call("products.resolve");
  deadline.abort();
  const late = context.ctx.call("products.resolve");
  await expect(late).rejects.toMatchObject({ type: "QUERY_TOO_COMPLEX" });
  expect(calls).toEqual(["products.resolve"]);
});

test("a request whose time is up or whose client is gone needs no further calls", async () => {
  for (const end of ["abort", "disconnect"] as const) {
    const deadline = new Deadline();
    const sender = { ctx: { meta: {} }, deadline, viewer: { kind: "anonymous" } };
    const context = contextFor(sender as unknown as RequestSender, limits);
    expect(context.isOver()).toBe(false);
    const waiting = context.race(() => new Promise(() => undefined));
    deadline[end]();
    expect(context.isOver()).toBe(true);
    const type = end === "abort" ? "SERVICE_UNAVAILABLE" : "CLIENT_CLOSED_REQUEST";
    await expect(waiting).rejects.toMatchObject({ type });
    const work = () => Promise.reject(new Error("work was begun"));
    await expect(context.race(work)).rejects.toMatchObject({ name: "ClientError" });
  }
});

test("calls of a request whose client disconnects are no faults, also if the time is up later", async () => {
  const deadline = new Deadline();
  const ctx = { meta: {}, call: () => new Promise(() => undefined) };
  const sender = { ctx, deadline, viewer: { kind: "anonymous" } } as unknown as RequestSender;
  const { call } = contextFor(sender, limits).ctx;
  const pending = call("products.resolve");
  deadline.disconnect();
  deadline.abort();
  const type = "CLIENT_CLOSED_REQUEST";
  await expect(pending).rejects.toMatchObject({ type });
  await expect(call("products.resolve")).rejects.toMatchObject({ type });
});
