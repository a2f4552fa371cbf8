import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cleanUp, postmasterPid, temporaryFolder } from "../../tools/support/processes.ts";

let server: EmbeddedPostgres | undefined;
afterAll(async () => {
  await server?.stop();
  await cleanUp();
});

test("the shop says once why PostgreSQL does not start again, and when it runs again", async () => {
  const warnings: string[] = [];
  const dataDir = temporaryFolder();
  server = await EmbeddedPostgres.start(dataDir, { warn: (sentence) => warnings.push(sentence) });
  const folder = join(dataDir, "postgres");
  const settings = join(folder, "postgresql.auto.conf");
  const valid = readFileSync(settings);
  appendFileSync(settings, "no_such_setting = 1\n");
  process.kill(postmasterPid(dataDir), "SIGKILL");
  const log = () => readFileSync(`${folder}.log`, "utf8");
  await eventually("three tries", () => log().split("no_such_setting").length > 3);
  writeFileSync(settings, valid);
  await eventually("the server", () => warnings.includes("PostgreSQL runs again."));
  expect(warnings).toEqual([
    "PostgreSQL has died; starting it again.",
    expect.stringMatching(/^PostgreSQL does not start: .*The shop tries again every second\.$/),
    "PostgreSQL runs again.",
  ]);
});
