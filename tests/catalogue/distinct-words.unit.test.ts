import { expect, test } from "@jest/globals";
import { withDistinctWords } from "../../services/products/catalogue/page-products.ts";

test.each([
  ["mug", "mug"],
  ["red mug red  mug red m", "red mug m"],
  // The last word may be the start of another one, unlike the same word before it.
  ["mug mug mug", "mug mug"],
  ["mug red mug", "mug red mug"],
  ["Mug mug m", "Mug mug m"],
])("the search '%s' scans for '%s'", (search, scanned) => {
  expect(withDistinctWords({ search, price_min: 1 })).toEqual({ search: scanned, price_min: 1 });
});

test("a filter without a search stays as it is", () => {
  expect(withDistinctWords({ price_max: 5 })).toEqual({ price_max: 5 });
});
