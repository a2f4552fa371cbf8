import { describe, expect, test } from "@jest/globals";
import { ShopError, type ShopErrorCode } from "../../clients/typescript/src/index.ts";
import { demoProducts } from "../../commands/demo/demo-data.ts";
import { errorText, fieldText, isMissing } from "../../web/console/src/api/error-text.ts";
import { priceFaultsOf, readFilter } from "../../web/console/src/catalogue/catalogue-filter.ts";
import { pictureOf } from "../../web/console/src/catalogue/picture/picture-of.ts";
import { catalogueTexts } from "../../web/console/src/texts/catalogue.ts";
import { formatNumber, formatPrice } from "../../web/console/src/ui/format.ts";

describe("the prices of the catalogue's filter", () => {
  const faults = (from: string, to: string) =>
    priceFaultsOf(readFilter(new URLSearchParams({ from, to })));

  test.each([
    ["", ""],
    ["0", "12.5"],
    [" 12,50 ", "12.50"],
    ["1", "99999999999"],
  ])("can be from %j to %j", (from, to) => {
    expect(faults(from, to)).toBeUndefined();
  });

  test.each(["abc", "-1", "1,000", "1.005", "1e3", "Infinity"])("cannot be %j", (text) => {
    const { noPrice } = catalogueTexts;
    expect(faults(text, text)).toEqual({ priceMin: noPrice, priceMax: noPrice });
  });

  test("have an order", () => {
    expect(faults("12.51", "12.5")).toEqual({ priceMax: catalogueTexts.priceOrder });
  });
});

describe("an error of the shop", () => {
  const invalid = (field: string, message: string) =>
    new ShopError("BAD_USER_INPUT", "It is invalid.", {
      details: { fields: [{ field, message }] },
    });
  const withCode = (code: ShopErrorCode) => new ShopError(code, "It failed.");

  test.each([
    ["'username' must not be empty.", "Name must not be empty."],
    [
      "The 'password' is one of the most common passwords.",
      "Name is one of the most common passwords.",
    ],
    ["The 'url' field must not contain a fragment.", "Name must not contain a fragment."],
    ["The update changes nothing.", "The update changes nothing."],
  ])("names the field by its label: %s", (message, expected) => {
    expect(fieldText(message, "Name")).toBe(expected);
  });

  test("names no field of the API where no label is known", () => {
    expect(errorText(invalid("input.url", "'input.url' must be a text."))).toBe(
      "A value must be a text.",
    );
  });

  test("counts its seconds", () => {
    const late = (retryAfter: number) =>
      errorText(new ShopError("TOO_MANY_REQUESTS", "", { details: { retryAfter } }));
    expect([late(1), late(2)]).toEqual([
      "Too many requests. Try again in 1 second.",
      "Too many requests. Try again in 2 seconds.",
    ]);
  });

  test("tells whether something does not exist", () => {
    const missing = [withCode("ORDER_NOT_FOUND"), invalid("id", "'id' must be an id (a UUID).")];
    const others = [withCode("NETWORK_ERROR"), invalid("name", "'name' is required."), new Error()];
    expect(missing.map(isMissing)).toEqual([true, true]);
    expect(others.map(isMissing)).toEqual([false, false, false]);
  });
});

test.each([
  ["Desk lamp", "lamp"],
  ["Lamp Desk", "chair"],
  ["Reading Lamp, Brown", "lamp"],
  ["Clock for the Wall", "clock"],
  ["Two Mugs", "mug"],
  ["Lamp Shade", "lamp"],
  ["Something else", "parcel"],
])("the picture of %s is a %s: the last known word decides", (name, shape) => {
  expect(pictureOf("1", name).shape).toBe(shape);
});

test("each product of the demo has the picture of its kind", () => {
  for (const { name } of demoProducts()) {
    const kind = /(\w+),/.exec(name)?.[1]?.toLowerCase();
    expect([name, pictureOf("1", name).shape]).toEqual([name, kind]);
  }
});

test("negative numbers have a minus sign", () => {
  expect([formatNumber(-1_200), formatPrice(-150)]).toEqual(["−1,200", "−€1.50"]);
});
