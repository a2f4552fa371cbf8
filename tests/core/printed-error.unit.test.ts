import { expect, test } from "@jest/globals";
import { printed } from "../support/runner/printed-error.ts";

test("Jest gets the texts of an error and its causes, and nothing else that they hold", () => {
  const cause = Object.assign(new RangeError("first"), { socket: {} });
  const error = Object.assign(new AggregateError([cause], "all", { cause }), { connection: {} });
  const copy = printed([error, undefined]);
  expect(copy).toEqual([error, undefined]);
  const [first] = copy as [AggregateError];
  expect(first).not.toHaveProperty("connection");
  expect(first.cause).not.toHaveProperty("socket");
  expect(first.errors[0]).not.toHaveProperty("socket");
  expect(first).toMatchObject({ name: "AggregateError", message: "all", stack: error.stack });
  expect(first.cause).toMatchObject({ name: "RangeError", message: "first", stack: cause.stack });
});
