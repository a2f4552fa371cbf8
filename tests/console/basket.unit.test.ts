import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { idGroups, problemOf } from "../../web/console/src/basket/basket-state.ts";
import {
  addLine,
  basketKey,
  changeLine,
  piecesIn,
  readBasket,
  totalOf,
  withoutOrdered,
  writeBasket,
} from "../../web/console/src/basket/basket.ts";
import {
  beginAttempt,
  endAttempt,
  lostOrderOf,
} from "../../web/console/src/basket/checkout-attempt.ts";
import { textStorage } from "../support/console/text-storage.ts";

const mug = { productId: "mug", name: "Mug", price: 900, quantity: 2 };
const lamp = { productId: "lamp", name: "Lamp", price: 4_500, quantity: 1 };

describe("a basket", () => {
  test("adds up pieces of a product at its newest price, and has a total", () => {
    const basket = addLine([mug, lamp], { ...mug, price: 800, quantity: 3 });
    expect(basket).toEqual([{ ...mug, price: 800, quantity: 5 }, lamp]);
    expect([piecesIn(basket), totalOf(basket)]).toEqual([6, 8_500]);
  });

  test("loses a line whose quantity becomes 0", () => {
    expect(changeLine([mug, lamp], "mug", { quantity: 0 })).toEqual([lamp]);
  });

  test("keeps what was added while an order of it was sent", () => {
    const added = addLine(addLine([mug], { ...mug, quantity: 1 }), lamp);
    expect(withoutOrdered(added, [mug])).toEqual([{ ...mug, quantity: 1 }, lamp]);
    expect(withoutOrdered([lamp], [mug, lamp])).toEqual([]);
    // The customer has taken pieces away meanwhile.
    expect(withoutOrdered([{ ...mug, quantity: 1 }], [mug])).toEqual([]);
  });

  test("is kept in the storage until it is empty", () => {
    const storage = textStorage();
    writeBasket(storage, [mug]);
    expect(readBasket(storage)).toEqual([mug]);
    writeBasket(storage, []);
    expect(storage.getItem(basketKey)).toBeNull();
  });

  test.each(["", "{", "{}", '[{"productId":1}]', "null"])("is empty if %j is stored", (text) => {
    const storage = textStorage();
    storage.setItem(basketKey, text);
    expect(readBasket(storage)).toEqual([]);
  });

  test("asks for at most 100 products at a time", () => {
    const basket = Array.from({ length: 101 }, (_, n) => ({ ...mug, productId: `p${n}` }));
    expect(idGroups(basket).map(({ length }) => length)).toEqual([100, 1]);
  });
});

test.each([
  ["nothing", { id: "mug", price: 900, stock: 2 }, undefined],
  ["too few pieces", { id: "mug", price: 900, stock: 1 }, { kind: "shortage", left: 1 }],
  ["no piece", { id: "mug", price: 900, stock: 0 }, { kind: "gone" }],
  ["a deleted product", null, { kind: "gone" }],
  ["another price", { id: "mug", price: 950, stock: 9 }, { kind: "price", price: 950 }],
])("the problem of a line: %s", (_name, offered, problem) => {
  expect(problemOf(mug, offered)).toEqual(problem);
});

describe("the key of an order", () => {
  let keys = 0;
  const newKey = () => `key-${(keys += 1)}`;
  const hourMs = 3_600_000;
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test("is the same for a repetition, also in another order of the lines", () => {
    const storage = textStorage();
    const { key } = beginAttempt(storage, "ann", [mug, lamp], newKey);
    expect(lostOrderOf(storage, "ann", [lamp, mug])).toBe("repeatable");
    expect(beginAttempt(storage, "ann", [lamp, mug], newKey).key).toBe(key);
  });

  test("has one input: a repetition sends the prices of the first request", () => {
    const storage = textStorage();
    const first = beginAttempt(storage, "ann", [mug], newKey);
    expect(beginAttempt(storage, "ann", [{ ...mug, price: 950 }], newKey)).toEqual(first);
    expect(first.basket).toEqual([mug]);
  });

  test("is new for other products and quantities, and after an outcome", () => {
    const storage = textStorage();
    const ordered = [
      () => beginAttempt(storage, "ann", [mug], newKey),
      () => beginAttempt(storage, "ann", [{ ...mug, quantity: 3 }], newKey),
      () => {
        endAttempt(storage, "ann");
        return beginAttempt(storage, "ann", [{ ...mug, quantity: 3 }], newKey);
      },
    ].map((order) => order().key);
    expect(new Set(ordered).size).toBe(3);
    expect(lostOrderOf(storage, "ann", [mug])).toBeUndefined();
  });

  test("belongs to a user: another one who orders in the same browser does not lose it", () => {
    const storage = textStorage();
    const { key } = beginAttempt(storage, "ann", [mug], newKey);
    expect(lostOrderOf(storage, "ben", [mug])).toBeUndefined();
    expect(beginAttempt(storage, "ben", [mug], newKey).key).not.toBe(key);
    endAttempt(storage, "ben");
    expect(lostOrderOf(storage, "ben", [mug])).toBeUndefined();
    expect(beginAttempt(storage, "ann", [mug], newKey).key).toBe(key);
  });

  test("is new when the shop can have forgotten it, which it does after 24 hours", () => {
    const clock = jest.spyOn(Date, "now").mockReturnValue(0);
    const storage = textStorage();
    const { key } = beginAttempt(storage, "ann", [mug], newKey);
    clock.mockReturnValue(22 * hourMs);
    expect(lostOrderOf(storage, "ann", [mug])).toBe("repeatable");
    // A repetition does not prolong the time of the key.
    expect(beginAttempt(storage, "ann", [mug], newKey).key).toBe(key);
    clock.mockReturnValue(23 * hourMs);
    expect(lostOrderOf(storage, "ann", [mug])).toBe("expired");
    const next = beginAttempt(storage, "ann", [mug], newKey);
    expect(next.key).not.toBe(key);
    expect(lostOrderOf(storage, "ann", [mug])).toBe("repeatable");
    // The clock is set back a little.
    clock.mockReturnValue(23 * hourMs - 2_000);
    expect(beginAttempt(storage, "ann", [mug], newKey)).toEqual(next);
  });

  test("of an older console, which has stored no time, is not used again", () => {
    const storage = textStorage();
    const stored = { key: "key-of-before", userId: "ann", basket: [mug] };
    storage.setItem("shop-console-checkout", JSON.stringify(stored));
    expect(lostOrderOf(storage, "ann", [mug])).toBe("expired");
    expect(lostOrderOf(storage, "ben", [mug])).toBeUndefined();
    expect(beginAttempt(storage, "ann", [mug], newKey).key).not.toBe("key-of-before");
    endAttempt(storage, "ann");
    expect(storage.getItem("shop-console-checkout")).toBeNull();
  });
});
