import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { postgresUrl } from "../../embedded/postgres-databases.ts";
import { domainServices } from "../../services/registry.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { migrate } from "../../database/migrator/migrate.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { unprivilegedUser } from "../support/unprivileged-user.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { anyNatsServer } from "../../tools/support/nats-server.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import { signalAll } from "../../tools/support/kill-processes.ts";
import {
  cleanUp,
  freePort,
  postgresPids,
  postmasterPid,
  projectDir,
  startCommand,
  startProgram,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";

/** What db:migrate prints if there is nothing to do. */
const upToDate = domainServices.map((name) => `${name}: up to date\n`).join("");

/** The data directory, which all starts of the shop share. */
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
  for (const database of databases) await database.drop();
});

/** With what users of PostgreSQL have set for other servers. */
const settings = () => ({
  DATA_DIR: dataDir,
  PORT: String(port),
  PGHOST: "127.0.0.1",
  PGPORT: "1",
  PGSSLMODE: "require",
});

/** The URL of a database of the shop on the data directory. */
const databaseUrl = (name: string) => postgresUrl(join(dataDir, "postgres"), name);

async function start(): Promise<void> {
  shop = startCommand("start", settings());
  await shop.said("Ctrl-C stops it.");
}

/** Stops the shop as Ctrl-C does, and expects no process to be left. */
async function stop(): Promise<void> {
  shop.signal("SIGINT");
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(dataDir)).toEqual([]);
}

/** Starts a command with arguments. */
function startWith(command: string, ...args: string[]): Program {
  const program = join(projectDir, "commands", `${command}.ts`);
  return startProgram(process.execPath, [program, ...args], { env: settings() });
}

/** Returns what the audit trail of accounts has recorded. */
async function usersTrail(): Promise<object[]> {
  const users = new pg.Client({ connectionString: databaseUrl("users") });
  await users.connect();
  const { rows } = await users.query<object>("SELECT action FROM audit_trail ORDER BY id");
  await users.end();
  return rows;
}

async function renameProduct(sku: string, name: string): Promise<void> {
  const products = new pg.Client({ connectionString: databaseUrl("products") });
  await products.connect();
  const { rowCount } = await products.query("UPDATE products SET name = $2 WHERE sku = $1", [
    sku,
    name,
  ]);
  await products.end();
  expect(rowCount).toBe(1);
}

async function countProducts(): Promise<unknown> {
  const { data } = await graphql<{ products: unknown[] }>(url, "{ products { id } }");
  return data?.products.length;
}

/** Runs a command that must exit with 1. Returns its output. */
async function failureOf(command: string, env: Record<string, string>): Promise<string> {
  const program = startCommand(command, env);
  expect(await program.ended()).toBe(1);
  return program.output();
}

test("npm start prints its URL and answers there", async () => {
  await start();
  expect(shop.output()).toContain(`${url}/graphql`);
  expect(shop.output()).toContain(`DATA_DIR=${dataDir} npm run demo fills it,`);
  const page = await fetch(`${url}/`);
  expect(page.headers.get("content-type")).toMatch("text/html");
  expect(await countProducts()).toBe(0);
});

test("npm run demo fills the shop once, with an admin who can sign in", async () => {
  // The URL is the shop's own, whatever PORT the command has.
  const first = startCommand("demo", { DATA_DIR: dataDir, TRACES_URL: "http://localhost:9411" });
  expect(await first.ended()).toBe(0);
  expect(first.output()).toMatch(/registering customers\n.*creating products\n.*placing orders\n/);
  expect(first.output()).toMatch(/Demo data: 21 users, 300 products and 300 orders added/);
  expect(first.output()).toContain(`They are in ${dataDir}. The shop is at ${url}/console.`);
  expect(first.output().match(/TRACES_URL/g)).toHaveLength(1);
  const trailBefore = await usersTrail();
  await renameProduct("MUG-CLAY-WHITE", "White cup");
  const second = startCommand("demo", settings());
  expect(await second.ended()).toBe(0);
  expect(second.output()).toMatch(/Demo data: 0 users, 0 products and 0 orders added/);
  expect(await usersTrail()).toEqual(trailBefore);
  const [, password = ""] = /with "([^"]*)", unless/.exec(second.output()) ?? [];
  const input = `{ email: "admin@example.com", password: "${password}" }`;
  const { data } = await graphql(url, `mutation { login(input: ${input}) { token } }`);
  expect(data?.login?.token).toMatch(/^ey/);
  const search =
    '{ productsConnection(search: "mug", filter: { price_max: 1000 }) { totalCount } }';
  const found = await graphql(url, search);
  expect(found.data?.productsConnection?.totalCount).toBeGreaterThan(5);
});

test("the demo uses a random password on databases that others may reach", async () => {
  // As for a shop on databases of its own: they are not in the demo's DATA_DIR.
  const urls = domainServices.map((name) => [`${name.toUpperCase()}_DB_URL`, databaseUrl(name)]);
  const users = new pg.Client({ connectionString: databaseUrl("users") });
  await users.connect();
  await users.query("DELETE FROM users WHERE email = 'tara.byrne@example.com'");
  await users.end();
  const env = Object.fromEntries(urls) as Record<string, string>;
  const demo = startCommand("demo", { DATA_DIR: temporaryFolder(), ...env });
  expect(await demo.ended()).toBe(0);
  expect(demo.output()).toContain("Demo data: 1 users, 0 products and 15 orders added.");
  expect(demo.output()).toMatch(
    /The new accounts, tara\.byrne@example.com .* random password "[\w-]{20}", because others may reach this shop\. It/,
  );
  expect(demo.output()).not.toContain("demo-password");
});

test("npm run export writes the catalogue, which npm run import finds unchanged; a bad row has status 2", async () => {
  const file = join(temporaryFolder(), "catalogue.csv");
  const exported = startWith("export", file);
  expect(await exported.ended()).toBe(0);
  expect(exported.output()).toContain(`300 products are in ${file}.`);
  const again = startWith("import", file);
  expect(await again.ended()).toBe(0);
  expect(again.output()).toContain("0 created, 0 updated, 300 unchanged, 0 failed.\n");
  writeFileSync(file, "sku,name,price\nDRY,Mug,9.90\n");
  const dryRun = startWith("import", file, "--dry-run");
  expect(await dryRun.ended()).toBe(2);
  expect(dryRun.output()).toContain(
    "line 2: 'price' must be a whole number, without separators and leading zeros. (BAD_USER_INPUT)",
  );
});

test("npm run export fails with a sentence if its file cannot be written, or if npm writes to it", async () => {
  const file = join(temporaryFolder(), "none", "catalogue.csv");
  const unwritable = startWith("export", file);
  expect(await unwritable.ended()).toBe(1);
  expect(unwritable.output()).toBe(`${file} cannot be written: there is no such file or folder.\n`);
  const npm = { npm_lifecycle_event: "export", npm_config_user_agent: "npm/11.0.0 node/v24.0.0" };
  expect(await failureOf("export", { ...settings(), ...npm })).toMatch(
    /^npm prints a banner before the catalogue.*npm run -s export.*\n$/,
  );
});

test.each([
  ["export", "FILE"],
  ["import", "FILE", "--dry-run"],
])("npm run %s -- %s of a DATA_DIR without a shop changes nothing", async (command, ...args) => {
  const folder = temporaryFolder();
  const file = join(folder, "catalogue.csv");
  writeFileSync(file, "sku,name,price\nMUG,Mug,990\n");
  const missing = join(folder, "mistyped");
  const program = startProgram(
    process.execPath,
    [
      join(projectDir, "commands", `${command}.ts`),
      ...args.map((arg) => (arg === "FILE" ? file : arg)),
    ],
    { env: { DATA_DIR: missing } },
  );
  expect(await program.ended()).toBe(1);
  expect(program.output()).toContain(
    `There is no shop in DATA_DIR ${missing}. Correct DATA_DIR, or start a shop there with npm start.\n`,
  );
  expect(readdirSync(folder)).toEqual(["catalogue.csv"]);
  expect(readFileSync(file, "utf8")).toBe("sku,name,price\nMUG,Mug,990\n");
});

test("a second start on the same data directory fails and does not affect the first", async () => {
  const message = await failureOf("start", { ...settings(), PORT: String(await freePort()) });
  expect(message).toMatch(/^Another shop is running on DATA_DIR .*\n$/);
  expect(await countProducts()).toBe(300);
});

test("the shop restarts its PostgreSQL when that is killed", async () => {
  process.kill(postmasterPid(dataDir), "SIGKILL");
  await eventually("the database being away", async () => (await countProducts()) === undefined);
  await eventually("the database being back", async () => (await countProducts()) === 300);
});

test("Ctrl-C stops the shop and its PostgreSQL, and the next start finds the data", async () => {
  await stop();
  await start();
  expect(await countProducts()).toBe(300);
});

test("a start takes over the running PostgreSQL of a killed shop", async () => {
  const before = postmasterPid(dataDir);
  await shop.killHard();
  await start();
  expect(postmasterPid(dataDir)).toBe(before);
  expect(await countProducts()).toBe(300);
});

test("a start recovers the data after a kill -9 of all processes", async () => {
  const pids = postgresPids(dataDir);
  expect(pids.length).toBeGreaterThan(3);
  await shop.killHard();
  signalAll(pids, "SIGKILL");
  await start();
  expect(await countProducts()).toBe(300);
});

test("a start ignores a stale postmaster.pid whose pid belongs to another process", async () => {
  await shop.killHard();
  process.kill(postmasterPid(dataDir), "SIGKILL");
  await eventually("the end of the database", () => postgresPids(dataDir).length === 0);
  // PostgreSQL checks only processes of its own user.
  const { uid, gid } = statSync(join(dataDir, "postgres"));
  const other = startProgram("sleep", ["60"], process.getuid?.() === 0 ? { uid, gid } : {});
  const file = join(dataDir, "postgres", "postmaster.pid");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(other.pid)));
  await start();
  expect(await countProducts()).toBe(300);
  await stop();
});

test("demo and db-migrate work without a running shop and leave no process", async () => {
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

test("an import without a running shop opens it, and says where it is", async () => {
  const file = join(temporaryFolder(), "nothing.csv");
  writeFileSync(file, "sku,name,price\n");
  const program = startWith("import", file);
  expect(await program.ended()).toBe(0);
  expect(program.output()).toContain(
    `0 created, 0 updated, 0 unchanged, 0 failed. The shop is in ${dataDir}.\n`,
  );
});

test("db-migrate makes no shop where there is none", async () => {
  const missing = join(temporaryFolder(), "mistyped");
  const program = startCommand("db-migrate", { DATA_DIR: missing });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toBe(
    `There is no shop in DATA_DIR ${missing}. Correct DATA_DIR, or start a shop there with npm start.\n`,
  );
  expect(existsSync(missing)).toBe(false);
});

test("db-migrate waits for a PostgreSQL that is shutting down, and starts it again", async () => {
  await start();
  await shop.killHard();
  const folder = join(dataDir, "postgres");
  const client = new pg.Client({ connectionString: databaseUrl("postgres") });
  await client.connect();
  const rejections = () =>
    readFileSync(`${folder}.log`, "utf8").split("system is shutting down").length;
  const before = rejections();
  // A smart shutdown waits for this client, and rejects others.
  process.kill(postmasterPid(dataDir), "SIGTERM");
  const migration = startCommand("db-migrate", settings());
  await eventually("a rejected connection of db-migrate", () => rejections() > before);
  await client.end();
  expect(await migration.ended()).toBe(0);
  expect(migration.output()).toBe(upToDate);
  expect(postgresPids(dataDir)).toEqual([]);
});

test("an interrupted demo leaves no process", async () => {
  const demo = startCommand("demo", settings());
  await eventually("PostgreSQL starting", () => postgresPids(dataDir).length > 0);
  demo.signal("SIGINT");
  expect(await demo.ended()).toBe(130);
  expect(postgresPids(dataDir)).toEqual([]);
});

test("a port in use stops the start with one sentence and leaves no process", async () => {
  const holder: Server = createServer();
  await new Promise<void>((listening) => holder.listen(port, "127.0.0.1", listening));
  try {
    const sentence = new RegExp(`^Port ${port} is taken by another program.*\n$`);
    expect(await failureOf("start", settings())).toMatch(sentence);
    const metrics = { DATA_DIR: dataDir, PORT: "0", METRICS_PORT: String(port) };
    expect(await failureOf("start", metrics)).toMatch(sentence);
    expect(postgresPids(dataDir)).toEqual([]);
  } finally {
    holder.close();
  }
});

test("an address of another machine stops the start with one sentence", async () => {
  // Reserved for documentation, so no machine has it.
  const message = await failureOf("start", { ...settings(), HOST: "192.0.2.1" });
  expect(message).toBe(
    "HOST 192.0.2.1 is no address of this machine; for example HOST=127.0.0.1.\n",
  );
});

test("npm run serve says where it listens", async () => {
  const ports = { PORT: String(port), HEALTH_PORT: String(await freePort()) };
  const node = startCommand("serve", {
    ...ports,
    TRANSPORTER: await anyNatsServer(),
    NAMESPACE: `test-${process.pid}-${Date.now()}`,
    SERVICES: "api",
  });
  for (const [listener, listened] of [
    ["gateway listens", ports.PORT],
    ["health checks listen", ports.HEALTH_PORT],
  ] as const) {
    await node.said(
      `The ${listener} on http://127.0.0.1:${listened}, for this machine only (HOST=0.0.0.0: for all).`,
    );
  }
  node.signal("SIGTERM");
  expect(await node.ended()).toBe(0);
});

test("an unwritable data directory stops the start with one sentence", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  // Not even root can create folders there.
  for (const folder of [join(file, "data"), "/proc/data"]) {
    const message = await failureOf("start", { DATA_DIR: folder, PORT: String(port) });
    expect(message).toMatch(/^DATA_DIR .* cannot be written .*\n$/);
  }
});

test("the start reports all invalid settings at once", async () => {
  const message = await failureOf("start", {
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

test("npm start runs as an unprivileged user, and ignores a Turkish locale", async () => {
  const home = temporaryFolder();
  const [program, prefix, user] = unprivilegedUser(home);
  const env = {
    DATA_DIR: join(home, "data"),
    PORT: String(port),
    LANG: "tr_TR.UTF-8",
    LC_ALL: "tr_TR.UTF-8",
  };
  const script = join(projectDir, "commands", "start.ts");
  const userShop = startProgram(program, [...prefix, script], { env, ...user });
  await userShop.said("Ctrl-C stops it.");
  expect(await countProducts()).toBe(0);
  userShop.signal("SIGTERM");
  expect(await userShop.ended()).toBe(0);
  expect(postgresPids(env.DATA_DIR)).toEqual([]);
});

test("db-migrate migrates external databases, and a second run changes nothing", async () => {
  const { env } = await emptyDatabases();
  const first = startCommand("db-migrate", env);
  expect(await first.ended()).toBe(0);
  expect(first.output()).toMatch(
    /users: .*0001-users.*\nproducts: .*0001-products.*\norders: .*0001-orders/,
  );
  const second = startCommand("db-migrate", env);
  expect(await second.ended()).toBe(0);
  expect(second.output()).toBe(upToDate);
});

test("db-migrate fails on an existing table and changes nothing", async () => {
  const { env, ...empty } = await emptyDatabases();
  await empty.query("users", "CREATE TABLE users (name text)");
  const message = await failureOf("db-migrate", env);
  expect(message).toContain('relation "users" already exists');
  const tables = await empty.query("users", "SELECT FROM pg_tables WHERE schemaname = 'public'");
  expect(tables).toHaveLength(1);
});

test("ten concurrent migrations of one database apply it once", async () => {
  const { urls } = await emptyDatabases();
  const folder = new URL("../../services/users/migrations/", import.meta.url);
  const applied = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const sequelize = openSequelize(urls.users, 1);
      try {
        return (await migrate(sequelize, folder)).applied;
      } finally {
        await sequelize.close();
      }
    }),
  );
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
});

test("a migration survives a blocked event loop", async () => {
  const { urls } = await emptyDatabases();
  const sequelize = openSequelize(urls.users, 1);
  let wasBlocked = false;
  // Blocks a new connection in its transaction.
  sequelize.addHook("afterConnect", (connection) => {
    const client = connection as pg.Client;
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const blockOnce = async (...args: unknown[]) => {
      const result = await query(...args);
      if (args[0] === "BEGIN") {
        wasBlocked = true;
        // Longer than the idle timeout of other transactions.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
      }
      return result;
    };
    Object.assign(client, { query: blockOnce });
  });
  try {
    const folder = new URL("../../services/users/migrations/", import.meta.url);
    expect((await migrate(sequelize, folder)).applied.length).toBeGreaterThan(0);
    expect(wasBlocked).toBe(true);
  } finally {
    await sequelize.close();
  }
});

/** Creates databases without tables, and the settings for them. */
async function emptyDatabases(): Promise<TestDatabases & { env: Record<string, string> }> {
  const empty = await cloneDatabases({ empty: true });
  databases.push(empty);
  const env: Record<string, string> = { DATA_DIR: temporaryFolder() };
  for (const name of domainServices) env[`${name.toUpperCase()}_DB_URL`] = empty.urls[name];
  return { ...empty, env };
}
