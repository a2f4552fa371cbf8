import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema } from "graphql";
import { faultsOfChanges } from "./schema-changes.ts";

/** `npm run schema:changes`: fails if schema.graphql breaks clients of the last release. */

const projectDir = join(import.meta.dirname, "..", "..");
const acceptedFile = "schema.accepted-changes.txt";

function read(file: string): string {
  return readFileSync(join(projectDir, file), "utf8");
}

const released = buildSchema(read("schema.released.graphql"));
const current = buildSchema(read("schema.graphql"));
const faults = await faultsOfChanges(released, current, read(acceptedFile));
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(`To accept a breaking change, add its text to ${acceptedFile} as a line.`);
  process.exitCode = 1;
}
