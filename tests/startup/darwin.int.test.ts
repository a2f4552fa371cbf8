import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "@jest/globals";
import {
  cleanUp,
  postgresPids,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";
import { unprivilegedUser } from "../support/unprivileged-user.ts";

afterAll(cleanUp);

const embedded = (file: string) =>
  JSON.stringify(pathToFileURL(join(projectDir, "embedded", file)).href);

/** Starts PostgreSQL as on macOS, and ends itself without stopping it, or stops it. */
const script = `
  (await import("node:fs")).mkdirSync(process.env.DATA_DIR, { recursive: true });
  const { EmbeddedPostgres } = await import(${embedded("postgres.ts")});
  const { darwin } = await import(${embedded("platform/darwin.ts")});
  const server = await EmbeddedPostgres.start(process.env.DATA_DIR, { platform: darwin() });
  await server.createDatabases();
  const sql = "SELECT count(*)::integer AS n FROM pg_database WHERE datname = 'orders'";
  console.log((await server.query("orders", (client) => client.query(sql))).rows);
  if (process.env.IS_KILLED) process.kill(process.pid, "SIGKILL");
  await server.stop();`;

// The code for macOS uses its ps, which Linux has if procps is installed.
const withPs = existsSync("/bin/ps") ? test : test.skip;

withPs(
  "PostgreSQL starts, is adopted and stops without /proc, in a folder of any name",
  async () => {
    const home = temporaryFolder();
    const [program, prefix, user] = unprivilegedUser(home);
    const dataDir = join(home, `a b "ä" $(c) ${"long".repeat(30)}`);
    const args = [...prefix, "--input-type=module", "-e", script];
    for (const { env, end } of [
      { env: { IS_KILLED: "yes" }, end: "SIGKILL" },
      { env: {}, end: 0 },
    ]) {
      const settings = { DATA_DIR: dataDir, TMPDIR: home, ...env };
      const run = startProgram(program, args, { env: settings, ...user });
      expect(await run.ended()).toBe(end);
      expect(run.output()).toBe("[ { n: 1 } ]\n");
    }
    expect(postgresPids(dataDir)).toEqual([]);
    expect(readdirSync(dataDir)).toEqual(["postgres", "postgres.log"]);
  },
);
