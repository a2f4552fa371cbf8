import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { reconnectMiddleware } from "../../middlewares/reconnect.middleware.ts";

type Call = (action: string, params?: unknown, options?: object) => Promise<unknown>;

/** A broker that knows one other node, or none. */
class FakeBroker {
  readonly localBus = new EventEmitter();
  readonly transit = { tx: { connected: true } };
  stopping = false;
  hasNode = true;
  readonly registry = {
    actions: {
      get: (action: string) => ({
        hasLocal: () => action === "local.read",
        hasAvailable: () => this.hasNode,
      }),
    },
  };
  readonly sent: string[] = [];

  loseNats(): void {
    this.transit.tx.connected = false;
    this.localBus.emit("$transporter.disconnected", { graceFul: false });
  }

  loseNode(unexpected: boolean): void {
    this.hasNode = false;
    this.localBus.emit("$node.disconnected", { node: { id: "a" }, unexpected });
  }
}

let broker: FakeBroker;
let call: Call;

beforeEach(() => {
  broker = new FakeBroker();
  const middleware = reconnectMiddleware() as unknown as {
    created(broker: ServiceBroker): void;
    call(next: Call): Call;
  };
  middleware.created(broker as unknown as ServiceBroker);
  call = middleware.call((action) => {
    broker.sent.push(action);
    return Object.assign(Promise.resolve(`answer of ${action}`), {
      ctx: { meta: "of the answer" },
    });
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

test("a call after the loss of NATS is sent when NATS is connected again, with its context", async () => {
  broker.loseNats();
  const waiting = call("orders.read");
  expect(broker.sent).toEqual([]);
  broker.transit.tx.connected = true;
  expect(await waiting).toBe("answer of orders.read");
  expect(waiting).toMatchObject({ ctx: { meta: "of the answer" } });
});

test("a call after the last node of a service was lost is sent when it has a node again", async () => {
  broker.loseNode(true);
  const waiting = call("orders.read");
  expect(broker.sent).toEqual([]);
  broker.hasNode = true;
  expect(await waiting).toBe("answer of orders.read");
});

test("calls wait for a second, and then fail as without the wait", async () => {
  const now = jest.spyOn(performance, "now").mockReturnValue(10_000);
  broker.loseNats();
  const waiting = call("orders.read");
  now.mockReturnValue(10_999);
  const late = call("orders.read");
  expect(broker.sent).toEqual([]);
  now.mockReturnValue(11_000);
  await Promise.all([waiting, late]);
  await call("orders.read");
  expect(broker.sent).toHaveLength(3);
});

test("no call waits that this node answers, that is for a certain node, or while the node stops", async () => {
  broker.loseNats();
  void call("local.read");
  void call("orders.live", {}, { nodeID: "a" });
  broker.stopping = true;
  void call("orders.read");
  expect(broker.sent).toEqual(["local.read", "orders.live", "orders.read"]);
});

test("no call waits for a service whose last node has left as announced, or that never had one", () => {
  broker.loseNode(false);
  void call("orders.read");
  expect(broker.sent).toEqual(["orders.read"]);
});
