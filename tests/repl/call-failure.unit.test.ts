import { expect, test } from "@jest/globals";
import { Errors } from "moleculer";
import { callFailure } from "../../commands/node/operator-shop.ts";
import { badUserInput, serviceUnavailable } from "../../core/errors.ts";

test.each<[Error, RegExp]>([
  [
    new Errors.ServiceNotFoundError({ action: "products.list" }),
    /^The shop has stopped, or cannot/,
  ],
  [
    new Errors.RequestTimeoutError({ action: "products.list", nodeID: "a" }),
    /^The shop has stopped/,
  ],
  [serviceUnavailable("the database is away"), /^The shop has stopped/],
  [badUserInput([{ field: "a", message: "No a." }]), /rejected a call: No a. \(BAD_USER_INPUT\)$/],
  [new Errors.MoleculerError("broken", 500, "INTERNAL_SERVER_ERROR"), /has failed .*\(broken\)\.$/],
])("an operator's command ends with a sentence at %s", (error, sentence) => {
  const message = expect.stringMatching(sentence);
  expect(callFailure(error)).toMatchObject({ name: "CommandError", message, cause: error });
});

test("a bug of a command keeps its stack", () => {
  const bug = new TypeError("x is not a function");
  expect(callFailure(bug)).toBe(bug);
});
