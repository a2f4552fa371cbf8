import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { queryDatabase } from "../../embedded/postgres-databases.ts";
import { domainServices } from "../../services/registry.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { anyNatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, startCommand, temporaryFolder } from "../../tools/support/processes.ts";

let databases: TestDatabases;
/** A role without any permission. */
const role = `stranger_${randomBytes(6).toString("hex")}`;

/** Databases in which no tables can be created. */
const unfit = {
  bare: `bare_${randomBytes(6).toString("hex")}`,
  latin: `latin_${randomBytes(6).toString("hex")}`,
};

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true });
  await databases.query("users", `CREATE ROLE ${role} LOGIN`);
  await databases.query("users", `CREATE DATABASE ${unfit.bare} TEMPLATE template0`);
  await databases.query(
    "users",
    `CREATE DATABASE ${unfit.latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'`,
  );
  await queryDatabase(inDatabase(unfit.bare)(databases.urls.users), (client) =>
    client.query("DROP SCHEMA public"),
  );
});
afterAll(async () => {
  await cleanUp();
  for (const name of Object.values(unfit)) {
    await databases.query("users", `DROP DATABASE ${name} WITH (FORCE)`);
  }
  await databases.query("users", `DROP ROLE ${role}`);
  await databases.drop();
});

/** The settings of all databases, with another URL of the users database. */
function settings(change: (url: string) => string): Record<string, string> {
  const urls = domainServices.map((name) => [
    `${name.toUpperCase()}_DB_URL`,
    name === "users" ? change(databases.urls.users) : databases.urls[name],
  ]);
  return { DATA_DIR: temporaryFolder(), ...(Object.fromEntries(urls) as Record<string, string>) };
}

const inDatabase = (name: string) => (url: string) => url.replace(/users_\w+/, name);
const withUser = (user: string) => (url: string) => {
  const changed = new URL(url.replace("postgres://", "http://"));
  changed.username = user;
  return changed.href.replace("http://", "postgres://");
};

const problems: [title: string, change: (url: string) => string, sentence: RegExp][] = [
  ["a user that does not exist", withUser("nobody"), /rejects the user "nobody" \(.*\)\. Correct /],
  [
    "a database that does not exist",
    inDatabase("no_such_database"),
    /has no database "no_such_database"\. Create it, .* or correct /,
  ],
  [
    "a user without permission",
    withUser(role),
    /the user "stranger_\w+" lacks a permission \(permission denied .*\)\. Grant it, .* OWNER TO /,
  ],
  [
    "a database without a schema",
    inDatabase(unfit.bare),
    /"bare_\w+" has no schema for the tables of .*\. Create it, .* or correct search_path\.\n$/,
  ],
  [
    "a database that is not UTF-8",
    inDatabase(unfit.latin),
    /"latin_\w+": its encoding is LATIN1\. Create it with .* ENCODING 'UTF8'/,
  ],
];

/** Returns what follows the lines of the three databases that are migrated. */
function outputAfterOthers(output: string): string {
  return output.replace(/^(?:(?:products|orders|webhooks): .*\n){3}/, "");
}

test.each(problems)(
  "%s ends npm run db:migrate with one sentence after the other databases",
  async (_title, change, said) => {
    const program = startCommand("db-migrate", settings(change));
    expect(await program.ended()).toBe(1);
    expect(outputAfterOthers(program.output())).toMatch(/^USERS_DB_URL: .*\n$/);
    expect(program.output()).toMatch(said);
  },
);

test.each(problems)("%s ends npm start with one sentence", async (_title, change, said) => {
  const program = startCommand("start", { ...settings(change), PORT: "0" });
  expect(await program.ended()).toBe(1);
  // On a busy machine, the other services log calls of the one that is missing before it.
  expect(program.output()).toMatch(/(?:^|\n)USERS_DB_URL: .*\n$/);
  expect(program.output()).not.toMatch(/\n\s+at /);
  expect(program.output()).toMatch(said);
});

test("npm run serve with a database that does not exist ends with one sentence", async () => {
  const [, change] = problems[1] ?? [];
  const program = startCommand("serve", {
    ...settings(change ?? String),
    TRANSPORTER: await anyNatsServer(),
    SERVICES: "users",
    LOG_LEVEL: "warn",
  });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toMatch(/^USERS_DB_URL: .* has no database "no_such_database".*\n$/);
});

test("npm run db:migrate says that the database cannot be reached", async () => {
  const port = await freePort();
  const unreachable = () => `postgres://shop:secret@127.0.0.1:${port}/users`;
  const program = startCommand("db-migrate", settings(unreachable));
  expect(await program.ended()).toBe(1);
  expect(outputAfterOthers(program.output())).toBe(
    `USERS_DB_URL: PostgreSQL at 127.0.0.1:${port} cannot be reached (connect ECONNREFUSED 127.0.0.1:${port}). Start it, or correct USERS_DB_URL.\n`,
  );
});

test("npm start waits for a database that cannot be reached, until it is stopped", async () => {
  // Accepts connections and closes them at once, as a server that is starting may do.
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  try {
    const url = () => `postgres://shop:secret@127.0.0.1:${port}/users`;
    const program = startCommand("start", { ...settings(url), PORT: "0" });
    await program.said(`USERS_DB_URL: PostgreSQL at 127.0.0.1:${port} cannot be reached`);
    await program.said("The service tries again every second.");
    expect(program.output()).not.toMatch(/\n\s+at |secret/);
    const before = program.output();
    program.signal("SIGINT");
    expect(await program.ended()).toBe(0);
    expect(program.output().slice(before.length)).not.toContain("cannot be reached");
  } finally {
    server.close();
  }
});
