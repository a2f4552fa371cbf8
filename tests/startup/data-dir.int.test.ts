import { spawnSync } from "node:child_process";
import { chmodSync, lchownSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { isListening, claimDataDir, socketOf } from "../../embedded/data-dir.ts";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { postgresUrl } from "../../embedded/postgres-databases.ts";
import { postgresBinaries } from "../../embedded/postgres-binaries.ts";
import { runnableBinaries } from "../../embedded/postgres-user.ts";
import { processTable } from "../../tools/support/process-table/process-table.ts";
import { eventually } from "../../tools/support/eventually.ts";
import {
  cleanUp,
  postgresPids,
  postmasterPid,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";
import { unprivilegedUser } from "../support/unprivileged-user.ts";
import pg from "pg";

const isRoot = process.getuid?.() === 0;
/** A name with characters that shells interpret, longer than a socket path may be. */
const name = `-$(touch PWNED) \`touch PWNED\` '"\\ ä\n;${"long".repeat(40)}`;
let closed: string;
let dataDir: string;
let folder: string;
let server: EmbeddedPostgres;

beforeAll(async () => {
  closed = temporaryFolder();
  chmodSync(closed, 0o700);
  dataDir = join(closed, name);
  folder = join(dataDir, "postgres");
  mkdirSync(dataDir);
  server = await EmbeddedPostgres.start(dataDir);
});
afterAll(async () => {
  await server.stop();
  await cleanUp();
});

const selectOne = (url: string) => {
  const client = new pg.Client({ connectionString: url });
  return client
    .connect()
    .then(() => client.query<{ n: number }>("SELECT 1 AS n"))
    .then(({ rows }) => rows[0]?.n)
    .finally(() => client.end());
};

const statusOf = (pid: number) => readFileSync(`/proc/${pid}/status`, "utf8");

test("a data directory may have any name, and no shell interprets it", async () => {
  expect(await selectOne(server.url("postgres"))).toBe(1);
  expect(await selectOne(postgresUrl(folder, "template1"))).toBe(1);
  expect(readdirSync(dataDir)).toEqual(["postgres", "postgres.log"]);
  expect(readdirSync(closed)).toEqual([name]);
  expect(readdirSync("/").concat(readdirSync(process.cwd()))).not.toContain("PWNED");
  const claimed = await claimDataDir(dataDir);
  expect(await isListening(socketOf(dataDir))).toBe(true);
  claimed.close();
});

test("another process of the same user can connect with the URL of the server", () => {
  const script = `import pg from "pg"; const c = new pg.Client({ connectionString: process.env.URL }); await c.connect(); console.log((await c.query("SELECT 7 AS n")).rows[0].n); await c.end();`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    // What users of PostgreSQL have set for other servers does not matter.
    env: { URL: server.url("postgres"), PGPORT: "1", PGSSLMODE: "require" },
    encoding: "utf8",
  });
  expect(stdout).toBe("7\n");
});

// Only Linux has capabilities, and users without a name.
const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("the server runs without root capabilities and under an unused uid", async () => {
  const status = statusOf(postmasterPid(dataDir));
  for (const capability of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
    if (isRoot) expect(status).toMatch(new RegExp(`^${capability}:\\s+0+$`, "m"));
  }
  const { uid, mode } = statSync(folder);
  expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, "m"));
  expect(mode & 0o777).toBe(0o700);
  if (!isRoot) return;
  expect(status).toMatch(/^Groups:\s*$/m);
  expect(readFileSync("/etc/passwd", "utf8")).not.toMatch(new RegExp(`^[^:]*:[^:]*:${uid}:`, "m"));
  expect(uid).not.toBe(0);
});

test("the server has no TCP port, and its socket is closed to other users", async () => {
  expect(processTable.commandOf(postmasterPid(dataDir))).toContain("listen_addresses=");
  const { rows } = await server.query("postgres", (client) =>
    client.query<{ addresses: string }>("SELECT current_setting('listen_addresses') AS addresses"),
  );
  expect(rows).toEqual([{ addresses: "" }]);
  expect(statSync(join(folder, ".s.PGSQL.5432")).mode & 0o077).toBe(0);
});

test("a PostgreSQL that another program runs on the data is not stopped", async () => {
  const otherDir = temporaryFolder();
  const first = await EmbeddedPostgres.start(otherDir);
  await first.stop();
  const data = join(otherDir, "postgres");
  const { uid, gid } = statSync(data);
  const user = isRoot ? { uid, gid } : undefined;
  const { postgres } = await runnableBinaries(await postgresBinaries(), user);
  chmodSync(otherDir, 0o755);
  const args = ["-D", data, "-c", "listen_addresses=", "-c", `unix_socket_directories=${data}`];
  const other = startProgram(postgres, args, user ?? {});
  await other.said("ready to accept connections");
  await expect(EmbeddedPostgres.start(otherDir)).rejects.toThrow(
    new RegExp(`^Another PostgreSQL, with the process id ${other.pid}, runs on `),
  );
  expect(await selectOne(postgresUrl(data, "postgres"))).toBe(1);
  other.signal("SIGINT");
  await other.ended(100_000);

  // Earlier versions used the shared account nobody.
  if (isRoot) {
    for (const path of readdirSync(data, { recursive: true, encoding: "utf8" })) {
      lchownSync(join(data, path), 65_534, 65_534);
    }
    lchownSync(data, 65_534, 65_534);
  }
  const restarted = await EmbeddedPostgres.start(otherDir);
  expect(await selectOne(restarted.url("postgres"))).toBe(1);
  expect(statSync(join(data, "base")).uid).toBe(statSync(data).uid);
  if (isRoot) expect(statSync(data).uid).not.toBe(65_534);
  await restarted.stop();
  await eventually("the end of PostgreSQL", () => postgresPids(otherDir).length === 0);
});

test("a server that is stopped before it answers ends", async () => {
  const otherDir = temporaryFolder();
  const launched = await EmbeddedPostgres.launch(otherDir);
  const ready = expect(launched.ready).rejects.toThrow("PostgreSQL does not start");
  await launched.stop();
  // It enters its folder and writes its pid file later.
  const mark = encodeURIComponent(otherDir);
  const marked = processTable.pids().filter((pid) => processTable.commandOf(pid).includes(mark));
  expect(marked).toEqual([]);
  await ready;
});

onLinux("a user without a name gets the reason, and nothing is made", async () => {
  if (!isRoot) return;
  const home = temporaryFolder();
  const id = 60_577;
  const [program, prefix, user] = unprivilegedUser(home, id);
  const env = { DATA_DIR: join(home, "data"), PORT: "0" };
  const script = join(projectDir, "commands", "start.ts");
  const start = startProgram(program, [...prefix, script], { env, ...user });
  expect(await start.ended()).toBe(1);
  expect(start.output()).toMatch(
    new RegExp(`^PostgreSQL's initdb requires a user with a name, and the user id ${id} has none`),
  );
  expect(readdirSync(env.DATA_DIR)).toEqual([]);
});
