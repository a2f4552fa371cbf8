import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { adviceOn } from "../../embedded/postgres-program.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cleanUp, postmasterPid, temporaryFolder } from "../../tools/support/processes.ts";

let server: EmbeddedPostgres | undefined;
afterAll(async () => {
  await server?.stop();
  await cleanUp();
});

test("a database that cannot be made is named in a sentence with the cause", async () => {
  const dataDir = temporaryFolder();
  const started = await EmbeddedPostgres.start(dataDir);
  try {
    // PostgreSQL copies template1 only while nobody uses it.
    const failure = started.query("template1", () => started.createDatabases());
    await expect(failure).rejects.toMatchObject({
      name: "CommandError",
      message: `The databases of the services cannot be made (source database "template1" is being accessed by other users); see ${join(dataDir, "postgres")}.log.`,
    });
  } finally {
    await started.stop();
  }
});

test.each([
  ['could not extend file "base/5/1259": No space left on device', true],
  ["ENOSPC: no space left on device, mkdir '/shop'", true],
  ["could not write to file: Disk quota exceeded", true],
  ["permission denied", false],
])("the advice on a full disk follows its message only: %s", (message, isFull) => {
  const advice = " Free disk space, or set DATA_DIR to a folder on another disk.";
  expect(adviceOn(message)).toBe(isFull ? advice : "");
});

test("the shop says when a PostgreSQL that has died runs again", async () => {
  const warnings: string[] = [];
  const dataDir = temporaryFolder();
  const started = await EmbeddedPostgres.start(dataDir, {
    warn: (sentence) => warnings.push(sentence),
  });
  try {
    process.kill(postmasterPid(dataDir), "SIGKILL");
    await eventually("the server", () => warnings.length === 2, { withinMs: 30_000 });
    expect(warnings).toEqual(["PostgreSQL has died; starting it again.", "PostgreSQL runs again."]);
  } finally {
    await started.stop();
  }
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
