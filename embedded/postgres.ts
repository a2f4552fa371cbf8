import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { domainServices, type DomainService } from "../core/config.ts";
import { StartError } from "./data-dir.ts";
import { postgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { unprivileged, type RunAs } from "./unprivileged.ts";

/** The superuser; only who can enter the data directory reaches the socket in it. */
const superuser = "shop";
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const startAttempts = 20;
const startRetryMs = 500;
const superviseEveryMs = 1000;
/** Larger than any pid that Linux gives. */
const nobodysPid = 99_999_999;
/** Three pools, the tests' clones and a few guests. */
const maxConnections = 100;

/** The URL of a database whose server keeps its socket in this folder. */
export function postgresUrl(folder: string, database: string): string {
  return `postgres://${superuser}@localhost/${database}?host=${encodeURIComponent(folder)}`;
}

/** A real PostgreSQL from npm in a folder, reached over a Unix socket in that folder. */
export class EmbeddedPostgres {
  readonly #folder: string;
  readonly #log: string;
  readonly #binaries: PostgresBinaries;
  readonly #runAs: RunAs;
  readonly #stopping = new AbortController();
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(dataDir: string, binaries: PostgresBinaries, runAs: RunAs) {
    this.#folder = join(dataDir, "postgres");
    this.#log = join(this.#folder, "server.log");
    this.#binaries = binaries;
    this.#runAs = runAs;
  }

  /**
   * Starts the server of a data directory, which is made when it is not there. One that still
   * runs, because its shop was killed, is taken over. Should it die later, it is started again.
   * Throws a StartError.
   */
  static async start(dataDir: string): Promise<EmbeddedPostgres> {
    const binaries = await postgresBinaries();
    const server = new EmbeddedPostgres(dataDir, binaries, await unprivileged(dataDir, binaries));
    // However the process ends, but for SIGKILL, the server ends with it.
    process.on("exit", server.#stopWithoutWaiting);
    if (!existsSync(join(server.#folder, "PG_VERSION"))) await server.#initialize();
    await server.#ensureRunning();
    server.#supervision = server.#supervise();
    return server;
  }

  /** A connection URL of one of its databases. */
  url(database: string): string {
    return postgresUrl(this.#folder, database);
  }

  /** Makes the services' databases where they are missing. Gives their URLs. */
  async createDatabases(): Promise<Record<DomainService, string>> {
    await this.query("postgres", async (client) => {
      for (const name of domainServices) {
        const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
        if (found.rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
      }
    });
    const urls = domainServices.map((name) => [name, this.url(name)]);
    return Object.fromEntries(urls) as Record<DomainService, string>;
  }

  /** Opens a connection for the work of a moment. */
  async query<Result>(database: string, work: (client: pg.Client) => Promise<Result>) {
    const client = new pg.Client({ connectionString: this.url(database) });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Stops the server: what is committed is safe, connections are cut. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#shutDown());
  }

  async #shutDown(): Promise<void> {
    this.#stopping.abort();
    await this.#supervision;
    if (this.#pid() !== undefined) await this.#pgCtl("stop", "-m", "fast", "-w", "-t", "30");
    process.off("exit", this.#stopWithoutWaiting);
  }

  readonly #stopWithoutWaiting = (): void => {
    const pid = this.#pid();
    // SIGINT is PostgreSQL's fast shutdown.
    if (pid !== undefined) process.kill(pid, "SIGINT");
  };

  async #initialize(): Promise<void> {
    // Made aside and renamed, so that a half-made one is never taken for the real one.
    const fresh = `${this.#folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    this.#runAs.own(fresh);
    const locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
    await this.#exec(this.#binaries.initdb, [
      ...["-D", fresh, "-U", superuser, "--auth=trust", "-E", "UTF8", "--no-instructions"],
      ...locale,
    ]);
    rmSync(this.#folder, { recursive: true, force: true });
    renameSync(fresh, this.#folder);
  }

  async #ensureRunning(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (this.#pid() === undefined) await this.#launch();
        await this.query("postgres", (client) => client.query("SELECT 1"));
        return;
      } catch (error) {
        // Right after a kill -9 the old server's children still hold its memory for a moment.
        if (attempt >= startAttempts || this.#stopping.signal.aborted) {
          throw new StartError(`PostgreSQL does not start; see ${this.#log}. (${String(error)})`);
        }
        await sleep(startRetryMs);
      }
    }
  }

  async #launch(): Promise<void> {
    this.#disownPid();
    const settings = [
      "listen_addresses=",
      // The data directory itself: it is closed to everybody else.
      "unix_socket_directories=.",
      `max_connections=${maxConnections}`,
      // Its log says what went wrong, and not with whose email.
      "log_error_verbosity=terse",
      "log_min_error_statement=panic",
    ];
    const options = settings.map((setting) => `-c "${setting}"`).join(" ");
    await this.#pgCtl("start", "-w", "-t", "60", "-l", this.#log, "-o", options);
  }

  /** Starts the server again whenever it has died, until it is stopped. */
  async #supervise(): Promise<void> {
    const pause = { signal: this.#stopping.signal, ref: false };
    while (await sleep(superviseEveryMs, true, pause).catch(() => false)) {
      if (this.#pid() !== undefined) continue;
      process.stderr.write("PostgreSQL has died; starting it again.\n");
      await this.#ensureRunning().catch((error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
      });
    }
  }

  /** The pid of the running server. */
  #pid(): number | undefined {
    try {
      const [pid, folder] = readFileSync(this.#pidFile(), "utf8").split("\n");
      // Not written to its end yet.
      if (!pid || !folder) return undefined;
      // A file that a crash left behind may by now name somebody else's process, or a dead one
      // that nobody has waited for; neither was started with this folder.
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return command.includes(folder) ? Number(pid) : undefined;
    } catch {
      // No pid file, or nobody has that pid.
      return undefined;
    }
  }

  /**
   * PostgreSQL does not start while anybody has the pid that a crash left in its lock files. The
   * main one stays: by its other lines PostgreSQL finds children of the old server that still work.
   */
  #disownPid(): void {
    const file = this.#pidFile();
    rmSync(join(this.#folder, ".s.PGSQL.5432.lock"), { force: true });
    if (!existsSync(file)) return;
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(nobodysPid)));
  }

  #pidFile(): string {
    return join(this.#folder, "postmaster.pid");
  }

  #pgCtl(...args: string[]): Promise<void> {
    return this.#exec(this.#binaries.pg_ctl, ["-D", this.#folder, ...args]);
  }

  async #exec(file: string, args: string[]): Promise<void> {
    const [command, prefix, user] = this.#runAs.command(file);
    const child = spawn(command, [...prefix, ...args], {
      ...user,
      cwd: "/",
      env: { PATH: systemPath, LC_ALL: "C" },
      stdio: ["ignore", "ignore", "pipe"],
      // Out of the terminal's reach: Ctrl-C is for the shop, which then stops its server.
      detached: true,
    });
    const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
    if (child.exitCode !== 0) throw new StartError(`PostgreSQL: ${stderr.trim()}`);
  }
}
