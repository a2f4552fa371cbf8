import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const program = join(import.meta.dirname, "..", "..", "support", "graphql", "document-fuzz.ts");

test("random documents get the response of graphql-js and the specification each time they are sent", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  expect(stdout).toMatch(/^\d+ random documents mean the same at each of 6 sends$/m);
}, 600_000);
