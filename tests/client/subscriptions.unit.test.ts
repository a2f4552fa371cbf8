import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { parse } from "graphql";
import {
  memoryTokenStore,
  ShopClient,
  type ShopClientOptions,
  type TypedDocument,
} from "../../clients/typescript/src/index.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { failure, fakeShop, renewed, sessionOf, tokenOf } from "../support/client/fake-shop.ts";
import { fakeSocketServer } from "../support/client/fake-socket-server.ts";

interface Event {
  changed: { id: string; cursor: string };
}
const document = parse("subscription ($after: String) { changed(after: $after) { id cursor } }");
const changed = document as TypedDocument<Event, { after?: string | null }>;
const event = (id: string): Event => ({ changed: { id, cursor: `cursor-${id}` } });

let server: Awaited<ReturnType<typeof fakeSocketServer>>;
beforeEach(async () => {
  server = await fakeSocketServer();
});
afterEach(() => server.stop());

function clientOf(options: Partial<ShopClientOptions> = {}): ShopClient {
  return new ShopClient({ url: server.url, reconnect: { attempts: 3, baseMs: 1 }, ...options });
}

describe("an iterator", () => {
  test("continues after its last event when the connection is lost", async () => {
    const events = clientOf().subscribe(changed);
    const first = events.next();
    const before = await server.subscription();
    expect(before.variables).toEqual({});
    before.next(event("a"));
    before.next(event("b"));
    expect([await first, await events.next()]).toEqual([
      { done: false, value: event("a") },
      { done: false, value: event("b") },
    ]);
    const third = events.next();
    before.cut();
    const after = await server.subscription();
    expect(after.variables).toEqual({ after: "cursor-b" });
    after.next(event("c"));
    expect(await third).toEqual({ done: false, value: event("c") });
    await events.return();
  });

  test("calls onConnected for each connection, and for one that is open already", async () => {
    const client = clientOf();
    const calls = { first: 0, second: 0 };
    const first = client.subscribe(changed, {}, { onConnected: () => (calls.first += 1) });
    void first.next();
    const before = await server.subscription();
    await eventually("the first call", () => calls.first === 1);
    before.cut();
    await server.subscription();
    await eventually("the second call", () => calls.first === 2);
    const second = client.subscribe(changed, {}, { onConnected: () => (calls.second += 1) });
    void second.next();
    await server.subscription();
    await eventually("the call for the open connection", () => calls.second === 1);
    expect(calls).toEqual({ first: 2, second: 1 });
    await Promise.all([first.return(), second.return()]);
  });

  test("waits for the next connection while that of the last subscription closes", async () => {
    const sentIn: number[] = [];
    const closing = Promise.withResolvers<undefined>();
    class WatchedSocket extends WebSocket {
      override send(message: string): void {
        sentIn.push(this.readyState);
        super.send(message);
      }
      override close(code?: number, reason?: string): void {
        super.close(code, reason);
        closing.resolve(undefined);
      }
    }
    const client = clientOf({ webSocket: WatchedSocket });
    const first = client.subscribe(changed);
    void first.next();
    await server.subscription();
    void first.return();
    await closing.promise;
    let calls = 0;
    const second = client.subscribe(changed, {}, { onConnected: () => (calls += 1) });
    void second.next();
    await server.subscription();
    await eventually("the call", () => calls === 1);
    expect(new Set(sentIn)).toEqual(new Set([WebSocket.OPEN]));
    await second.return();
  });

  test("calls onConnected only when the shop delivers the events of the subscription", async () => {
    const release = server.holdPongs();
    let calls = 0;
    const events = clientOf().subscribe(changed, {}, { onConnected: () => (calls += 1) });
    const first = events.next();
    (await server.subscription()).next(event("a"));
    await first;
    expect(calls).toBe(0);
    release();
    await eventually("the call", () => calls === 1);
    await events.return();
  });

  test("calls onDisconnected for a lost connection, and not for its own end", async () => {
    const calls: string[] = [];
    const events = clientOf().subscribe(
      changed,
      {},
      {
        onConnected: () => calls.push("connected"),
        onDisconnected: () => calls.push("disconnected"),
      },
    );
    void events.next();
    const before = await server.subscription();
    await eventually("the first connection", () => calls.length === 1);
    before.cut();
    await server.subscription();
    await eventually("the second connection", () => calls.length === 3);
    await events.return();
    expect(calls).toEqual(["connected", "disconnected", "connected"]);
  });

  test("starts after the cursor of its variables", async () => {
    const events = clientOf().subscribe(changed, { after: "stored" });
    const next = events.next();
    const subscription = await server.subscription();
    expect(subscription.variables).toEqual({ after: "stored" });
    await events.return();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test("ends the subscription when its loop ends", async () => {
    const events = clientOf().subscribe(changed);
    const loop = (async () => {
      for await (const { changed: change } of events) if (change.id === "a") break;
    })();
    (await server.subscription()).next(event("a"));
    await loop;
    await eventually("the end of the subscription", () => server.completed() === 1);
  });

  test("fails with the reason of its signal", async () => {
    const abort = new AbortController();
    const events = clientOf().subscribe(changed, {}, { signal: abort.signal });
    const next = events.next();
    await server.subscription();
    abort.abort(new Error("The page was left."));
    await expect(next).rejects.toThrow("The page was left.");
    await eventually("the end of the subscription", () => server.completed() === 1);
  });

  test("needs a WebSocket, of the runtime or as an option", async () => {
    const { WebSocket } = globalThis;
    Reflect.deleteProperty(globalThis, "WebSocket");
    try {
      expect(() => clientOf().subscribe(changed)).toThrow("the option `webSocket` of ShopClient");
      const events = clientOf({ webSocket: WebSocket }).subscribe(changed);
      const next = events.next();
      (await server.subscription()).next(event("a"));
      expect(await next).toEqual({ done: false, value: event("a") });
      await events.return();
    } finally {
      globalThis.WebSocket = WebSocket;
    }
  });

  test("subscribes again after a temporary error", async () => {
    const events = clientOf().subscribe(changed);
    const next = events.next();
    (await server.subscription()).fail(failure("SERVICE_UNAVAILABLE").errors);
    (await server.subscription()).next(event("a"));
    expect(await next).toEqual({ done: false, value: event("a") });
    await events.return();
  });

  test.each([
    ["a final error", "FORBIDDEN"],
    ["a missing session", "UNAUTHENTICATED"],
  ])("fails after %s", async (_name, code) => {
    const next = clientOf().subscribe(changed).next();
    (await server.subscription()).fail(failure(code).errors);
    await expect(next).rejects.toMatchObject({ code });
  });

  test("fails after a close code of a broken protocol", async () => {
    const next = clientOf().subscribe(changed).next();
    (await server.subscription()).close(4400, "Invalid message");
    await expect(next).rejects.toMatchObject({
      code: "INVALID_RESPONSE",
      message: "The connection was closed: 4400 Invalid message",
    });
  });

  test("fails when no connection lasts", async () => {
    const next = clientOf().subscribe(changed).next();
    for (const attempt of [1, 2, 3]) (await server.subscription()).close(1001, `Stop ${attempt}`);
    await expect(next).rejects.toMatchObject({
      code: "NETWORK_ERROR",
      message: "The connection was closed: 1001 Stop 3",
    });
  });
});

describe("with a session", () => {
  const setUp = async (...replies: Parameters<typeof fakeShop>) => {
    const tokenStore = memoryTokenStore();
    await tokenStore.set(sessionOf("one"));
    const shop = fakeShop(...replies);
    const onSignedOut = jest.fn();
    return { client: clientOf({ tokenStore, fetch: shop.fetch, onSignedOut }), onSignedOut };
  };

  test("a rejected token is renewed, and the subscriptions continue", async () => {
    const { client } = await setUp(renewed("two"));
    const iterators = [client.subscribe(changed), client.subscribe(changed)];
    const nexts = iterators.map((events) => events.next());
    const first = await server.subscription();
    await server.subscription();
    expect(first.authorization).toBe(tokenOf("one"));
    first.close(4403, "The token is no longer valid.");
    for (const id of ["a", "b"]) {
      const subscription = await server.subscription();
      expect(subscription.authorization).toBe(tokenOf("two"));
      subscription.next(event(id));
    }
    await Promise.all(nexts);
    for (const events of iterators) await events.return();
  });

  test("a subscription continues without a token when the session has ended", async () => {
    const { client, onSignedOut } = await setUp(failure("UNAUTHENTICATED"));
    const events = client.subscribe(changed);
    const next = events.next();
    (await server.subscription()).close(4403, "The token is no longer valid.");
    const anonymous = await server.subscription();
    expect(anonymous.authorization).toBeUndefined();
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    await events.return();
    await next;
  });

  test("a sign-out connects again without a token", async () => {
    const { client } = await setUp({ data: { logout: { success: true } } });
    const events = client.subscribe(changed);
    const next = events.next();
    await server.subscription();
    await client.signOut();
    expect((await server.subscription()).authorization).toBeUndefined();
    await events.return();
    await next;
  });
});
