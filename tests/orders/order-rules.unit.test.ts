import { describe, expect, test } from "@jest/globals";
import { maxInt } from "../../core/validation.ts";
import { maxOrderLines } from "../../services/products/products.contract.ts";
import {
  assertAllowed,
  assertCancellable,
  transitions,
} from "../../services/orders/lifecycle/order-status.ts";
import { sumUpLines, totalPrice, totalQuantity } from "../../services/orders/order.ts";
import type { OrderStatus } from "../../services/orders/orders.contract.ts";

const line = (product_id: string, quantity: number) => ({ product_id, quantity });
const priced = (price: number, quantity: number) => ({ ...line("a", quantity), price });

function errorOf(rule: () => unknown): unknown {
  try {
    return rule();
  } catch (error) {
    return error;
  }
}

const badOrder = {
  type: "BAD_USER_INPUT",
  data: { fields: [{ field: "order_products", message: expect.any(String) }] },
};

/** Returns `count` lines of different products. */
function linesOf(count: number) {
  return Array.from({ length: count }, (_, n) => line(`product ${n}`, 1));
}

describe("the lines of an order", () => {
  test("name each product once, with the sum of its quantities", () => {
    expect(sumUpLines([line("a", 1), line("b", 2), line("a", 3)])).toEqual([
      line("a", 4),
      line("b", 2),
    ]);
  });

  test("are sorted by product id", () => {
    const lines = ["c", "a", "b"].map((id) => line(id, 1));
    expect(sumUpLines(lines).map(({ product_id }) => product_id)).toEqual(["a", "b", "c"]);
  });

  test("do not change the input", () => {
    const sent = [line("b", 1), line("a", 1), line("b", 1)];
    const before = structuredClone(sent);
    sumUpLines(sent);
    expect(sent).toEqual(before);
  });

  test("may name at most the limit of products", () => {
    expect(sumUpLines(linesOf(maxOrderLines))).toHaveLength(maxOrderLines);
    const error = errorOf(() => sumUpLines(linesOf(maxOrderLines + 1)));
    expect(error).toMatchObject(badOrder);
    expect(error).toMatchObject({
      message: `An order can name ${maxOrderLines} products at most.`,
    });
  });

  test("are limited after the lines of a product are summed up", () => {
    const twice = [...linesOf(maxOrderLines), ...linesOf(maxOrderLines)];
    expect(sumUpLines(twice)).toHaveLength(maxOrderLines);
  });

  test("have at most the largest Int of pieces", () => {
    expect(totalQuantity(sumUpLines([line("a", maxInt - 1), line("b", 1)]))).toBe(maxInt);
    expect(errorOf(() => sumUpLines([line("a", maxInt), line("b", 1)]))).toMatchObject(badOrder);
  });

  test("are rejected when the sum for a product exceeds an Int", () => {
    expect(errorOf(() => sumUpLines([line("a", maxInt), line("a", 1)]))).toMatchObject(badOrder);
  });
});

describe("the total of an order", () => {
  test("is the price of each line times its quantity", () => {
    expect(totalPrice([priced(490, 2), priced(0, 9), priced(1, 3)])).toBe(983);
    expect(totalQuantity([priced(490, 2), priced(0, 9), priced(1, 3)])).toBe(14);
  });

  test("is at most the largest Int", () => {
    expect(totalPrice([priced(maxInt, 1)])).toBe(maxInt);
    for (const lines of [
      [priced(maxInt, 1), priced(1, 1)],
      [priced(1_073_741_824, 2)],
      [priced(maxInt, maxInt)],
    ]) {
      expect(errorOf(() => totalPrice(lines))).toMatchObject(badOrder);
    }
  });
});

describe("the status of an order", () => {
  const statuses: OrderStatus[] = ["PLACED", "SHIPPED", "DELIVERED", "CANCELLED"];
  const allowed = [
    ["cancel", "PLACED", "CANCELLED"],
    ["ship", "PLACED", "SHIPPED"],
    ["complete", "SHIPPED", "DELIVERED"],
  ] as const;

  test("changes from PLACED to SHIPPED to DELIVERED, or from PLACED to CANCELLED", () => {
    const found = Object.entries(transitions).flatMap(([name, transition]) =>
      statuses
        .filter(
          (status) =>
            errorOf(() => {
              assertAllowed(transition, status);
            }) === undefined,
        )
        .map((status) => [name, status, transition.to]),
    );
    expect(found).toEqual(allowed);
  });

  test("has a step number that is one higher than that of the status before", () => {
    const stepOf = new Map<string, number>([["PLACED", 1]]);
    for (const { to, step } of Object.values(transitions)) stepOf.set(to, step);
    for (const { from, step } of Object.values(transitions)) {
      expect(step).toBe((stepOf.get(from) ?? 0) + 1);
    }
  });

  test.each([
    ["cancel", "SHIPPED", "ORDER_NOT_CANCELLABLE"],
    ["cancel", "DELIVERED", "ORDER_NOT_CANCELLABLE"],
    ["cancel", "CANCELLED", "ORDER_NOT_CANCELLABLE"],
    ["ship", "SHIPPED", "ORDER_NOT_SHIPPABLE"],
    ["ship", "DELIVERED", "ORDER_NOT_SHIPPABLE"],
    ["ship", "CANCELLED", "ORDER_NOT_SHIPPABLE"],
    ["complete", "PLACED", "ORDER_NOT_COMPLETABLE"],
    ["complete", "DELIVERED", "ORDER_NOT_COMPLETABLE"],
    ["complete", "CANCELLED", "ORDER_NOT_COMPLETABLE"],
  ] as const)("does not %s from %s, with %s and the status", (name, status, type) => {
    const { from, to } = transitions[name];
    const [is, must, become] = [status, from, to].map((one) => one.toLowerCase());
    expect(
      errorOf(() => {
        assertAllowed(transitions[name], status);
      }),
    ).toMatchObject({
      type,
      data: { status },
      message: `The order is ${is}. Only ${must} orders can be ${become}.`,
    });
  });
});

describe("cancelling an order", () => {
  const placedAt = new Date("2030-01-01T12:00:00.000Z");
  /** Cancels an order `ms` after it was placed, with a limit of ten seconds. */
  const after = (ms: number, status: "PLACED" | "CANCELLED" = "PLACED") =>
    errorOf(() => {
      assertCancellable({ status, placedAt }, new Date(placedAt.getTime() + ms), 10);
    });

  test.each([0, 9_999, 10_000])(
    "is allowed %i ms after placing, with a limit of 10000 ms",
    (ms) => {
      expect(after(ms)).toBeUndefined();
    },
  );

  test.each([10_001, 86_400_000])(
    "is rejected %i ms after placing, with a limit of 10000 ms",
    (ms) => {
      expect(after(ms)).toMatchObject({
        type: "ORDER_NOT_CANCELLABLE",
        data: { status: "PLACED" },
        message: "It is too late to cancel this order.",
      });
    },
  );

  test.each([0, 86_400_000])("is rejected the second time, also after %i ms", (ms) => {
    expect(after(ms, "CANCELLED")).toMatchObject({
      type: "ORDER_NOT_CANCELLABLE",
      data: { status: "CANCELLED" },
      message: "The order is cancelled. Only placed orders can be cancelled.",
    });
  });

  test("is allowed with a clock that is slightly behind", () => {
    expect(after(-5)).toBeUndefined();
  });
});
