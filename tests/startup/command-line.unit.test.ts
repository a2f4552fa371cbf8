import { expect, test } from "@jest/globals";
import { readCommandLine } from "../../commands/process/command-line.ts";

const options = { live: { type: "boolean" } } as const;

test.each([
  [["--other"], "Unknown option '--other'. Usage: npm run demo [-- --live]"],
  [["shop.v2"], "Unexpected argument 'shop.v2'. Usage: npm run demo [-- --live]"],
  [["--live=1"], "Option '--live' does not take an argument. Usage: npm run demo [-- --live]"],
])("readCommandLine answers %j with one sentence and the usage", (args, message) => {
  const read = () => readCommandLine({ args, options }, "npm run demo [-- --live]");
  expect(read).toThrow(expect.objectContaining({ name: "CommandError", message }));
});

test("readCommandLine returns the options and the arguments", () => {
  const config = { args: ["--live", "shop"], options, allowPositionals: true };
  expect(readCommandLine(config, "usage")).toMatchObject({
    values: { live: true },
    positionals: ["shop"],
  });
});
