import { describe, expect, test } from "@jest/globals";
import { Errors, type ServiceBroker } from "moleculer";
import { ClientError, plainOf, serviceUnavailable } from "../../core/errors.ts";
import {
  reservationCaller,
  reserveStock,
  type PlacingContext,
} from "../../services/orders/placement/reserve-stock.ts";
import {
  orderServerHeader,
  type Reservation,
  type ReservationResult,
} from "../../services/products/products.contract.ts";
import { outOfStock } from "../../services/products/products.errors.ts";

type Action = "products.reserve" | "products.reserveMany";

const linesOf = (order: string) => [{ product_id: order, quantity: 1, price: 5 }];

/** The answer of `products.reserve`. */
const reserveOne = async (order: string): Promise<object> => linesOf(order);

/** The answer of `products.reserveMany`: as many results as reservations, in their order. */
const reserveAll = async (orders: string[]): Promise<ReservationResult[]> =>
  orders.map((order) => ({ lines: linesOf(order) }));

/**
 * Orders that are placed in one turn of the event loop, by their ids. `calls` has the calls that they
 * send, as `order that sends it: action reserved orders`.
 */
function placement({ one = reserveOne, many = reserveAll, isLocal = true, servers = [""] } = {}) {
  const calls: string[] = [];
  /** The server in the header of each call. */
  const told: (string | undefined)[] = [];
  /** The server that the database of the orders knows at each order; the last one remains. */
  const knownServer = () => {
    const server = servers.length > 1 ? servers.shift() : servers[0];
    return server ? { server, atMs: 0 } : undefined;
  };
  const hasLocal = () => isLocal;
  const registry = { actions: { get: () => ({ hasLocal }) } };
  const caller = reservationCaller({ registry } as unknown as ServiceBroker);
  const ctxOf = (id: string, leftMs: number) => {
    const call = (
      action: Action,
      params: Partial<Reservation> & { reservations?: Reservation[] },
      options?: { headers: Record<string, string> },
    ) => {
      told.push(options?.headers[orderServerHeader]);
      const { order_id = "", reservations } = params;
      const orders = reservations?.map((reservation) => reservation.order_id) ?? [order_id];
      calls.push(`${id}: ${action} ${orders.join(" ")}`);
      return action === "products.reserve" ? one(order_id) : many(orders);
    };
    const locals = { answerByMs: performance.now() + leftMs };
    return { call, locals } as unknown as PlacingContext;
  };
  const place = async (id: string, leftMs = 60_000) => {
    const reservation = { order_id: id, lines: [{ product_id: id, quantity: 1 }] };
    return (await reserveStock(caller, { knownServer }, ctxOf(id, leftMs), reservation)).lines;
  };
  return { calls, told, place };
}

describe("the stock of an order", () => {
  test("is reserved by a call of its own if no other order comes in the same turn", async () => {
    const { calls, place } = placement();
    expect(await place("a")).toEqual(linesOf("a"));
    expect(calls).toEqual(["a: products.reserve a"]);
  });

  test("is reserved with that of the other orders of the turn by one call, in the context of the order whose deadline is the latest", async () => {
    const { calls, place } = placement();
    const lines = await Promise.all([place("a"), place("b", 90_000), place("c")]);
    expect(lines).toEqual([linesOf("a"), linesOf("b"), linesOf("c")]);
    expect(calls).toEqual(["b: products.reserveMany a b c"]);
  });

  test("is reserved by calls of the orders if products runs on other nodes", async () => {
    const { calls, place } = placement({ isLocal: false });
    const lines = await Promise.all([place("a"), place("b")]);
    expect(lines).toEqual([linesOf("a"), linesOf("b")]);
    expect(calls).toEqual(["a: products.reserve a", "b: products.reserve b"]);
  });

  test("is reserved with the server of the order's database, unless the orders have different ones", async () => {
    const same = placement({ servers: ["one"] });
    await Promise.all([same.place("a"), same.place("b")]);
    await same.place("c");
    expect(same.told).toEqual(["one", "one"]);
    const moved = placement({ servers: ["one", "two"] });
    await Promise.all([moved.place("a"), moved.place("b")]);
    await moved.place("c");
    expect(moved.told).toEqual([undefined, "two"]);
  });

  test.each([
    new Errors.ServiceNotFoundError({ action: "products.reserveMany" }),
    new Errors.ServiceNotAvailableError({ action: "products.reserveMany" }),
  ])(
    "is reserved by a call of its own if the last node with the action leaves: $name",
    async (gone) => {
      const { calls, place } = placement({ many: () => Promise.reject(gone) });
      expect(await Promise.all([place("a"), place("b")])).toEqual([linesOf("a"), linesOf("b")]);
      expect(calls.slice(1)).toEqual(["a: products.reserve a", "b: products.reserve b"]);
    },
  );

  test("is reserved by a call of its own after a fault that concerns one order", async () => {
    const { calls, place } = placement({
      many: async () => [{ lines: linesOf("a") }, null],
    });
    expect(await Promise.all([place("a"), place("b")])).toEqual([linesOf("a"), linesOf("b")]);
    expect(calls.slice(1)).toEqual(["b: products.reserve b"]);
  });
});

describe("an order of several", () => {
  test("gets its own error, with code, message, status and data", async () => {
    const missing = outOfStock("b", 2, 1);
    const { place } = placement({
      // As it comes over NATS.
      many: async () =>
        JSON.parse(
          JSON.stringify([{ lines: linesOf("a") }, { error: plainOf(missing) }]),
        ) as ReservationResult[],
    });
    const [a, b] = await Promise.allSettled([place("a"), place("b")]);
    expect(a).toMatchObject({ value: linesOf("a") });
    const { reason } = b as unknown as { reason: ClientError };
    expect(reason).toBeInstanceOf(ClientError);
    expect(plainOf(reason)).toEqual(plainOf(missing));
  });

  test("gets the error of the whole call, and sends no call of its own", async () => {
    const fault = serviceUnavailable("The database is away.");
    const { calls, place } = placement({ many: () => Promise.reject(fault) });
    const results = await Promise.allSettled([place("a"), place("b")]);
    expect(results.map((result) => (result as { reason?: unknown }).reason)).toEqual([
      fault,
      fault,
    ]);
    expect(calls).toHaveLength(1);
  });

  test("whose deadline has passed is not reserved with the others: its own call is rejected", async () => {
    const skipped = new Errors.RequestSkippedError({ action: "products.reserve", nodeID: "" });
    const { calls, place } = placement({ one: () => Promise.reject(skipped) });
    const [late, inTime] = await Promise.allSettled([place("late", -1), place("b")]);
    expect(late).toMatchObject({ reason: skipped });
    expect(inTime).toMatchObject({ value: linesOf("b") });
    expect(calls).toEqual(["b: products.reserveMany b", "late: products.reserve late"]);
  });

  test("whose deadline passes during the call is rejected by its own call, and so not written", async () => {
    const skipped = new Errors.RequestSkippedError({ action: "products.reserve", nodeID: "" });
    const endsAtMs = performance.now() + 50;
    const { place } = placement({
      one: () => Promise.reject(skipped),
      async many(orders) {
        while (performance.now() <= endsAtMs) await new Promise((next) => setImmediate(next));
        return reserveAll(orders);
      },
    });
    const early = place("early", endsAtMs - performance.now());
    const [first, second] = await Promise.allSettled([early, place("b")]);
    expect(first).toMatchObject({ reason: skipped });
    expect(second).toMatchObject({ value: linesOf("b") });
  });
});
