import { expect, test } from "@jest/globals";
import { hasCurrent } from "../../core/network/entity-tags.ts";

test.each([
  ['"abc"', true],
  ['W/"abc"', true],
  ["*", true],
  [" * ", true],
  ['"x", "abc"', true],
  ['"x","a,b" , W/"abc",', true],
  [', "abc"', true],
  [undefined, false],
  ["", false],
  ["abc", false],
  ['x"abc"', false],
  ['"abc"x', false],
  ['"x"abc"', false],
  ['"abcd"', false],
  ['w/"abc"', false],
  ['"x" "abc"', false],
  ['*, "abc"', false],
])("If-None-Match %s has the tag abc: %s", (header, isCurrent) => {
  expect(hasCurrent(header, '"abc"')).toBe(isCurrent);
});
