import { execFileSync } from "node:child_process";
import { chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { domainServices } from "../../services/registry.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { migrate } from "../../database/migrate.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import {
  cleanUp,
  freePort,
  killHard,
  postgresPids,
  postmasterPid,
  projectDir,
  startCommand,
  startProgram,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";

/** The shop under test: its data outlives each of its processes. */
let dataDir: string;
let port: number;
let url: string;
let shop: Program;
const databases: TestDatabases[] = [];

beforeAll(async () => {
  dataDir = join(temporaryFolder(), "data");
  port = await freePort();
  url = `http://localhost:${port}`;
});
afterAll(async () => {
  await cleanUp();
  for (const each of databases) await each.drop();
});

const settings = () => ({ DATA_DIR: dataDir, PORT: String(port) });

async function start(): Promise<void> {
  shop = startCommand("start", settings());
  await shop.said("Ctrl-C stops it.");
}

/** As Ctrl-C does; nothing of the shop may be left after it. */
async function stop(): Promise<void> {
  shop.signal("SIGINT");
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(dataDir)).toEqual([]);
}

async function countProducts(): Promise<unknown> {
  const { data } = await graphql<{ products: unknown[] }>(url, "{ products { id } }");
  return data?.products.length;
}

/** A command that has to refuse: gives what it says. */
async function refusal(command: string, env: Record<string, string>): Promise<string> {
  const program = startCommand(command, env);
  expect(await program.ended()).toBe(1);
  return program.output();
}

test("prints its URLs and answers there", async () => {
  await start();
  expect(shop.output()).toContain(`${url}/graphql`);
  const page = await fetch(`${url}/`);
  expect(page.headers.get("content-type")).toMatch("text/html");
  expect(await countProducts()).toBe(0);
});

test("is filled by the demo once, with an admin who can sign in", async () => {
  const first = startCommand("demo", settings());
  expect(await first.ended()).toBe(0);
  expect(first.output()).toMatch(/Demo data: 21 users, 300 products and 60 orders added/);
  const again = startCommand("demo", settings());
  expect(await again.ended()).toBe(0);
  expect(again.output()).toMatch(/Demo data: 0 users, 0 products and 0 orders added/);
  const [, password = ""] = /with "(.*)"/.exec(again.output()) ?? [];
  const input = `{ email: "admin@example.com", password: "${password}" }`;
  const { data } = await graphql(url, `mutation { login(input: ${input}) { token } }`);
  expect(data?.login?.token).toMatch(/^ey/);
});

test("stays alone on its data directory, unharmed by a second one", async () => {
  const message = await refusal("start", { ...settings(), PORT: String(await freePort()) });
  expect(message).toMatch(/^Another shop is running on DATA_DIR .*\n$/);
  expect(await countProducts()).toBe(300);
});

test("starts its database again when somebody kills that", async () => {
  process.kill(postmasterPid(dataDir), "SIGKILL");
  await eventually("the database being away", async () => (await countProducts()) === undefined);
  await eventually("the database being back", async () => (await countProducts()) === 300);
});

test("stops at Ctrl-C with its database, and finds the data when it starts again", async () => {
  await stop();
  await start();
  expect(await countProducts()).toBe(300);
});

test("takes its database over after a kill -9 of the shop alone", async () => {
  const before = postmasterPid(dataDir);
  await shop.killHard();
  await start();
  expect(postmasterPid(dataDir)).toBe(before);
  expect(await countProducts()).toBe(300);
  await stop();
});

test("finds the data after a kill -9 of everything", async () => {
  await start();
  const pids = postgresPids(dataDir);
  expect(pids.length).toBeGreaterThan(3);
  await shop.killHard();
  killHard(pids);
  await start();
  expect(await countProducts()).toBe(300);
});

test("is not deceived by another process that has the pid of its dead database", async () => {
  await shop.killHard();
  process.kill(postmasterPid(dataDir), "SIGKILL");
  await eventually("the end of the database", () => postgresPids(dataDir).length === 0);
  // One of the same user, whom PostgreSQL takes seriously.
  const { uid, gid } = statSync(join(dataDir, "postgres"));
  const other = startProgram("sleep", ["60"], process.getuid?.() === 0 ? { uid, gid } : {});
  const file = join(dataDir, "postgres", "postmaster.pid");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(other.pid)));
  await start();
  expect(await countProducts()).toBe(300);
});

test("ends at a signal that comes while it starts", async () => {
  await stop();
  shop = startCommand("start", settings());
  await eventually("the database starting", () => postgresPids(dataDir).length > 0);
  await stop();
});

test("lets the demo and migrations work without it, and leaves nothing running", async () => {
  for (const [command, said] of [
    ["demo", "Demo data: 0 users, 0 products and 0 orders added."],
    ["db-migrate", "orders: up to date"],
  ] as const) {
    const program = startCommand(command, settings());
    expect(await program.ended()).toBe(0);
    expect(program.output()).toContain(said);
    expect(postgresPids(dataDir)).toEqual([]);
  }
});

test("leaves nothing running when the demo is interrupted", async () => {
  const demo = startCommand("demo", settings());
  await eventually("its database starting", () => postgresPids(dataDir).length > 0);
  demo.signal("SIGINT");
  expect(await demo.ended()).toBe(130);
  expect(postgresPids(dataDir)).toEqual([]);
});

test("says in a sentence that its port is taken, and leaves nothing running", async () => {
  const holder: Server = createServer();
  await new Promise<void>((listening) => holder.listen(port, "127.0.0.1", listening));
  try {
    const sentence = new RegExp(`^Port ${port} is taken by another program.*\n$`);
    expect(await refusal("start", settings())).toMatch(sentence);
    const metrics = { DATA_DIR: dataDir, PORT: "0", METRICS_PORT: String(port) };
    expect(await refusal("start", metrics)).toMatch(sentence);
    expect(postgresPids(dataDir)).toEqual([]);
  } finally {
    holder.close();
  }
});

test("says in a sentence that its data directory cannot be written", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  // Nobody, not even root, makes folders there.
  for (const folder of [join(file, "data"), "/proc/data"]) {
    const message = await refusal("start", { DATA_DIR: folder, PORT: String(port) });
    expect(message).toMatch(/^DATA_DIR .* cannot be written .*\n$/);
  }
});

test("says in a sentence that the secret of its signing keys is missing, or another one", async () => {
  const { env } = await emptyDatabases();
  const first = startCommand("start", { ...env, PORT: "0", KEY_ENCRYPTION_SECRET: "s".repeat(16) });
  await first.said("Ctrl-C stops it.");
  first.signal("SIGINT");
  expect(await first.ended()).toBe(0);
  const missing = await refusal("start", { ...env, PORT: "0" });
  expect(missing).toMatch(/^KEY_ENCRYPTION_SECRET is not set, .* set it, or .*\n$/);
  const another = { ...env, PORT: "0", KEY_ENCRYPTION_SECRET: "x".repeat(16) };
  expect(await refusal("start", another)).toMatch(
    /^KEY_ENCRYPTION_SECRET is not the one .* set that one, or .*\n$/,
  );
});

test("says all that is wrong with its settings at once", async () => {
  const message = await refusal("start", {
    DATA_DIR: dataDir,
    PORT: "eighty",
    LOG_LEVEL: "loud",
    USERS_DB_URL: "mysql://localhost",
  });
  expect(message.trim().split("\n")).toEqual([
    expect.stringMatching(/^PORT must be .* for example PORT=/),
    expect.stringMatching(/^USERS_DB_URL must be .* for example USERS_DB_URL=postgres:/),
    expect.stringMatching(/^LOG_LEVEL must be .* for example LOG_LEVEL=/),
  ]);
});

test("runs as an ordinary user", async () => {
  const home = temporaryFolder();
  const [program, prefix, user] = ordinaryUser(home);
  const env = { DATA_DIR: join(home, "data"), PORT: String(port) };
  const script = join(projectDir, "commands", "start.ts");
  const theirs = startProgram(program, [...prefix, script], { env, ...user });
  await theirs.said("Ctrl-C stops it.");
  expect(await countProducts()).toBe(0);
  theirs.signal("SIGTERM");
  expect(await theirs.ended()).toBe(0);
  expect(postgresPids(env.DATA_DIR)).toEqual([]);
});

/**
 * How to run Node as somebody who is not root and owns this folder. Where the project lies in a
 * folder that is closed to others, they keep of root the right to enter it.
 */
function ordinaryUser(folder: string): [string, string[], { uid?: number; gid?: number }] {
  if (process.getuid?.() !== 0) return [process.execPath, [], {}];
  const [uid = 0, gid = 0] = ["-u", "-g"].map((option) =>
    Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" })),
  );
  chownSync(folder, uid, gid);
  try {
    execFileSync("test", ["-r", join(projectDir, "package.json")], { uid, gid });
    return [process.execPath, [], { uid, gid }];
  } catch {
    const ids = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
    const rights = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"];
    // Without it, access(2) forgets the right of whoever is not root.
    const kept = "--securebits=+no_setuid_fixup";
    return ["setpriv", [...ids, ...rights, kept, "--", process.execPath], {}];
  }
}

test("fills a shop that others may reach with a password that nobody knows", async () => {
  const { env } = await emptyDatabases();
  const demo = startCommand("demo", env);
  expect(await demo.ended()).toBe(0);
  expect(demo.output()).toMatch(
    /The new accounts, admin@example.com .* password "[\w-]{20}": a random/,
  );
  expect(demo.output()).not.toContain("demo-password");
});

test("migrates databases of one's own, and again without a change", async () => {
  const { env } = await emptyDatabases();
  const first = startCommand("db-migrate", env);
  expect(await first.ended()).toBe(0);
  expect(first.output()).toMatch(
    /users: .*0001-users.*\nproducts: .*0001-products.*\norders: .*0001-orders/,
  );
  const again = startCommand("db-migrate", env);
  expect(await again.ended()).toBe(0);
  expect(again.output()).toBe("users: up to date\nproducts: up to date\norders: up to date\n");
});

test("fails to migrate over a table that is there already, and changes nothing", async () => {
  const { env, ...empty } = await emptyDatabases();
  await empty.query("users", "CREATE TABLE users (name text)");
  const message = await refusal("db-migrate", env);
  expect(message).toContain('relation "users" already exists');
  const tables = await empty.query("users", "SELECT FROM pg_tables WHERE schemaname = 'public'");
  expect(tables).toHaveLength(1);
});

test("migrates one database from ten nodes at once", async () => {
  const { urls } = await emptyDatabases();
  const folder = new URL("../../services/users/migrations/", import.meta.url);
  const applied = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const sequelize = openSequelize(urls.users, 1);
      try {
        return await migrate(sequelize, folder);
      } finally {
        await sequelize.close();
      }
    }),
  );
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
});

test("migrates though its process stands still meanwhile, as one does that loads its files", async () => {
  const { urls } = await emptyDatabases();
  const sequelize = openSequelize(urls.users, 1);
  const query = sequelize.query.bind(sequelize) as (...args: unknown[]) => Promise<unknown>;
  let stood = false;
  const standingStill = async (...args: unknown[]) => {
    const result = await query(...args);
    if (!stood && String(args[0]).includes("CREATE TABLE IF NOT EXISTS migrations")) {
      stood = true;
      // Longer than any other transaction may have nothing to say.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    }
    return result;
  };
  Object.assign(sequelize, { query: standingStill });
  try {
    const folder = new URL("../../services/users/migrations/", import.meta.url);
    expect((await migrate(sequelize, folder)).length).toBeGreaterThan(0);
    expect(stood).toBe(true);
  } finally {
    await sequelize.close();
  }
});

/** Databases without tables, and the settings that name them. */
async function emptyDatabases(): Promise<TestDatabases & { env: Record<string, string> }> {
  const empty = await cloneDatabases({ empty: true });
  databases.push(empty);
  const env: Record<string, string> = { DATA_DIR: temporaryFolder() };
  for (const name of domainServices) env[`${name.toUpperCase()}_DB_URL`] = empty.urls[name];
  return { ...empty, env };
}
