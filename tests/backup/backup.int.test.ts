import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { claimDataDir } from "../../embedded/data-dir.ts";
import { takeBackup } from "../../embedded/backup/take-backup.ts";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { eventually } from "../../tools/support/eventually.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";
import { checkHistory } from "../../tools/verify/check/check-history.ts";
import { Databases } from "../../tools/verify/cluster/databases.ts";
import type { AnyRequest, Kind, Kinds, RequestOf } from "../../tools/verify/history.ts";
import { waitForQuiescence } from "../../tools/verify/quiescence.ts";
import { openShop, operatorOf } from "../support/shop.ts";

let place: string;
let dataDir: string;
let claim: Server;
let postgres: EmbeddedPostgres;
let broker: ServiceBroker;

beforeAll(async () => {
  place = temporaryFolder();
  dataDir = join(place, "data");
  claim = await claimDataDir(dataDir);
  postgres = await EmbeddedPostgres.start(dataDir);
  ({ broker } = await openShop({}, await postgres.createDatabases()));
});
afterAll(async () => {
  await broker.stop();
  await postgres.stop();
  claim.close();
  await cleanUp();
});

/** Starts `npm run backup` or `npm run restore`. */
function start(command: "backup" | "restore", folder: string, into = dataDir): Program {
  const program = join(projectDir, "commands", `${command}.ts`);
  return startProgram(process.execPath, [program, folder], { env: { DATA_DIR: into } });
}

async function run(command: "backup" | "restore", folder: string, into?: string) {
  const program = start(command, folder, into);
  return { status: await program.ended(), output: program.output() };
}

const hasRows = (sql: string) =>
  postgres.query("postgres", async (client) => (await client.query(sql)).rows.length > 0);

/** Between two orders of a client, so that the load leaves CPU time to the backup. */
const pauseMs = 20;

/** Clients of the shop, and the history of their requests for the checker. */
class Clients {
  readonly history: AnyRequest[] = [];
  #isStopped = false;
  #running: Promise<void>[] = [];

  async prepare(): Promise<void> {
    const account = { email: "ann@example.com", username: "ann", type: 0 };
    const ann = await this.#send("registerUser", account, null, "users.register", {
      ...account,
      password: "correct horse",
    });
    const input = { name: "Mug", price: 990, stock: 1_000_000 };
    const mug = await this.#send("createProduct", input, null, "products.create", {
      ...input,
      description: "",
    });
    const placeOrders = async () => {
      while (!this.#isStopped) {
        const lines = [{ product_id: mug.id, quantity: 2 }];
        await this.#send("placeOrder", { lines }, ann.id, "orders.place", {
          user_id: ann.id,
          order_products: lines,
        });
        await delay(pauseMs);
      }
    };
    this.#running = [placeOrders(), placeOrders()];
  }

  get orders(): number {
    return this.history.filter(({ kind }) => kind === "placeOrder").length;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  /** Returns the history of a shop that may lack the effects of all requests after an index. */
  asOf(index: number): AnyRequest[] {
    return this.history.map((request, at) =>
      at < index ? request : { ...request, outcome: "unknown", code: "RESTORED" },
    );
  }

  async #send<K extends Kind>(
    kind: K,
    input: Kinds[K]["input"],
    user: string | null,
    action: string,
    params: object,
  ): Promise<Kinds[K]["answer"]> {
    const startMs = performance.now();
    const answer = (await operatorOf(broker)(action, params)) as Kinds[K]["answer"];
    const request = { line: "request", client: "test", gateway: 0, key: null, user, kind, input };
    const times = { startMs, endMs: performance.now() };
    const op = this.history.length;
    this.history.push({
      ...request,
      ...times,
      op,
      outcome: "ok",
      answer,
    } as RequestOf<K> as AnyRequest);
    return answer;
  }
}

test("a backup under load contains all orders acknowledged before it, and the invariants hold", async () => {
  const clients = new Clients();
  await clients.prepare();
  await eventually("some orders", () => clients.orders >= 20);
  const before = clients.history.length;
  const target = join(place, "under-load");
  const { status, output } = await run("backup", target);
  const after = clients.history.length;
  await clients.stop();
  expect(output).toMatch(/The backup is in .*under-load \(\d+ MB\)\.\n$/);
  expect(status).toBe(0);
  expect(after).toBeGreaterThan(before);
  expect(readdirSync(target).sort()).toEqual(["backup.json", "backup_manifest", "base.tar"]);
  expect(statSync(target).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(target)) {
    expect(statSync(join(target, name)).mode & 0o777).toBe(0o600);
  }

  const restoredDir = join(place, "restored");
  expect(await run("restore", target, restoredDir)).toMatchObject({ status: 0 });
  const databases = await Databases.start(restoredDir);
  const recovered = await EmbeddedPostgres.start(restoredDir);
  const restored = await openShop({}, await recovered.createDatabases());
  try {
    expect(await waitForQuiescence(databases, 120_000)).toEqual([]);
    const findings = checkHistory(clients.asOf(before), await databases.snapshot());
    expect(findings.flatMap(({ violations }) => violations)).toEqual([]);
    const orders = await databases.query("orders", "SELECT FROM orders");
    expect(orders.length).toBeGreaterThanOrEqual(before - 2);
    const server = readFileSync(join(restoredDir, "postgres.log"), "utf8");
    expect(server).toContain("consistent recovery state reached");
  } finally {
    await restored.broker.stop();
    await databases.stop();
    await recovered.stop();
  }
});

test("a killed backup leaves PostgreSQL as it was, and the next one removes its remains", async () => {
  const target = join(place, "killed");
  const incomplete = () => readdirSync(place).filter((name) => name.startsWith("incomplete-"));
  const killed = start("backup", target);
  await eventually("a part of the backup", () => incomplete().length > 0);
  await killed.killHard();
  expect(existsSync(target)).toBe(false);
  await eventually(
    "the end of the backup in PostgreSQL",
    async () =>
      !(await hasRows("SELECT FROM pg_stat_progress_basebackup")) &&
      !(await hasRows("SELECT FROM pg_replication_slots")),
  );
  expect(incomplete()).toHaveLength(1);

  const next = start("backup", target);
  await eventually("the running backup", () => hasRows("SELECT FROM pg_replication_slots"));
  await expect(
    takeBackup({
      dataDir,
      url: postgres.url("postgres"),
      target: `${target}-2`,
      progress: () => undefined,
      signal: new AbortController().signal,
    }),
  ).rejects.toThrow("Another backup of this shop is running; wait for its end.");
  expect(await next.ended()).toBe(0);
  expect(incomplete()).toEqual([]);
});

test("a killed restore keeps the shop from starting, and can be repeated", async () => {
  const into = join(place, "killed-restore");
  const remains = join(into, "postgres.restore", "postgres", "base");
  const restore = start("restore", join(place, "under-load"), into);
  await eventually("a part of the data", () => existsSync(remains));
  await restore.killHard();
  expect(existsSync(join(into, "postgres"))).toBe(false);
  await expect(EmbeddedPostgres.start(into)).rejects.toThrow(/^The restore of a backup into /);
  expect(await run("restore", join(place, "under-load"), into)).toMatchObject({ status: 0 });
  expect(readdirSync(into)).toEqual(["postgres"]);
});

/** Runs a command with a small disk at a folder. Only this command and its children see the disk. */
function onSmallDisk(folder: string, command: string, argument: string, into = dataDir) {
  mkdirSync(folder, { recursive: true });
  const script =
    'mount -t tmpfs -o size=8m,mode=700 none "$0" && { "$@"; status=$?; ls "$0"; exit $status; }';
  const program = join(projectDir, "commands", `${command}.ts`);
  const args = [namespaces, "sh", "-c", script, folder, process.execPath, program, argument];
  return spawnSync("unshare", args, { env: { ...process.env, DATA_DIR: into }, encoding: "utf8" });
}
/** Without a user namespace, only root can mount. In one, root can read no files of other users. */
const namespaces = process.getuid?.() === 0 ? "-m" : "-rm";
const mount = ["mount", "-t", "tmpfs", "none", "/mnt"];
/** Some machines forbid it. */
const canMount = spawnSync("unshare", [namespaces, ...mount]).status === 0;

(canMount ? test : test.skip)("nothing is left on a full disk", async () => {
  const disk = join(place, "disk");
  const backup = onSmallDisk(disk, "backup", join(disk, "full"));
  expect(backup.stderr).toMatch(
    /The backup to .*full failed \(ENOSPC: .*\)\. Nothing of it is left, and the shop is not affected\.\n$/,
  );
  expect(backup).toMatchObject({ status: 1, stdout: "" });
  const restore = onSmallDisk(disk, "restore", join(place, "under-load"), disk);
  expect(restore.stderr).toMatch(/ENOSPC: .*\)\. The backup in .*under-load is unchanged\.\n$/);
  expect(restore).toMatchObject({ status: 1, stdout: "" });
});
