import { describe, expect, test } from "@jest/globals";
import { ShopError, type ShopErrorCode } from "../../clients/typescript/src/index.ts";
import { minorUnitsOf, piecesOf } from "../../web/console/src/admin/products/price-text.ts";
import { adminProductTexts } from "../../web/console/src/texts/admin/products.ts";
import { errorText } from "../../web/console/src/api/error-text.ts";
import { shownErrors } from "../../web/console/src/ui/forms/field-errors.ts";

const faultOf = (...fields: string[]) =>
  new ShopError("BAD_USER_INPUT", "The input is invalid.", {
    details: {
      fields: fields.map((field) => ({ field, message: `The '${field}' field is bad.` })),
    },
  });

describe("an error of the shop in a form", () => {
  test.each<[ShopErrorCode, string]>([
    ["SKU_TAKEN", "sku"],
    ["EMAIL_TAKEN", "email"],
    ["INSUFFICIENT_STOCK", "number"],
    ["INVALID_RESET_TOKEN", "token"],
  ])("%s is at the field %s, and at the form without this field", (code, name) => {
    const error = new ShopError(code, "Message");
    const text = expect.any(String);
    expect(shownErrors(error, ["other", name], {})).toEqual({
      ofFields: { [name]: text },
      ofForm: undefined,
    });
    expect(shownErrors(error, ["other"], {})).toEqual({ ofFields: {}, ofForm: text });
  });

  test("is at each field that it names, also by the path of an item of a list", () => {
    const { ofFields, ofForm } = shownErrors(
      faultOf("input.name", "input.events[0]"),
      ["name", "events"],
      {},
    );
    expect(Object.keys(ofFields)).toEqual(["name", "events"]);
    expect(ofForm).toBeUndefined();
  });

  test("is shown at its fields and at the form if only some of them are in the form", () => {
    const { ofFields, ofForm } = shownErrors(faultOf("name", "id"), ["name"], {});
    expect(Object.keys(ofFields)).toEqual(["name"]);
    expect(ofForm).toBe(errorText(faultOf("name", "id")));
  });

  test("is at the form if it is about no field, or no error of the shop", () => {
    for (const error of [new ShopError("TIMEOUT", ""), faultOf(""), new Error("bug")]) {
      const shown = { ofFields: {}, ofForm: errorText(error) };
      expect(shownErrors(error, ["name"], {})).toEqual(shown);
    }
    expect(shownErrors(null, ["name"], {})).toEqual({ ofFields: {}, ofForm: undefined });
  });
});

test("a price has at most two decimals and no separators of thousands, as its error says", () => {
  expect(["89", "89,5", "89.50"].map(minorUnitsOf)).toEqual([8_900, 8_950, 8_950]);
  expect(["1.234,50", "1,234.50", "1e3", "1.005"].map(minorUnitsOf)).toEqual(
    Array(4).fill(undefined),
  );
  expect(adminProductTexts.priceInvalid).toMatch(/at most two decimals, and no separators/);
});

test("a number that the API cannot have is no number of a form", () => {
  expect([piecesOf("2147483647"), piecesOf("2147483648")]).toEqual([2_147_483_647, undefined]);
  expect([minorUnitsOf("21474836.47"), minorUnitsOf("21474836.48")]).toEqual([
    2_147_483_647,
    undefined,
  ]);
});
