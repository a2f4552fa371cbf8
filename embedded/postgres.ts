import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { domainServices, type DomainService } from "../services/registry.ts";
import { StartError } from "./data-dir.ts";
import { postgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { holdsData, makeData } from "./postgres-folder.ts";
import { findServer, isRunning } from "./postgres-process.ts";
import { initdbUser, own, postgresUser, reachable, type RunAs } from "./postgres-user.ts";
import { shortPathOf } from "./short-path.ts";

/** The superuser; only who can enter the data directory reaches the socket in it. */
const superuser = "shop";
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Right after a kill -9 the old server's children still hold its memory for a moment. */
const startAttempts = 20;
const startRetryMs = 500;
/** A server that recovers from a crash may take its time. */
const startWithinMs = 300_000;
const pollMs = 20;
const stopWithinMs = 30_000;
const superviseEveryMs = 1000;
/** Larger than any pid that Linux gives. */
const nobodysPid = 99_999_999;
/** Three pools, the tests' clones and a few guests. */
const maxConnections = 100;
/**
 * The programs get their folder as an open descriptor: its path may be too long for them, hold what
 * the shell that initdb uses would read as its own, or lead through folders closed to their user.
 */
const folderDescriptor = 3;
const folderPath = `/proc/self/fd/${folderDescriptor}`;

/** The URL of a database whose server keeps its socket in this folder. */
export function postgresUrl(folder: string, database: string): string {
  return `postgres://${superuser}@localhost/${database}?host=${encodeURIComponent(shortPathOf(folder))}`;
}

/** A real PostgreSQL from npm in a folder, reached over a Unix socket in that folder. */
export class EmbeddedPostgres {
  readonly #folder: string;
  readonly #log: string;
  readonly #binaries: PostgresBinaries;
  readonly #runAs: RunAs;
  readonly #stopping = new AbortController();
  #initdb: ChildProcess | undefined;
  /** The server, where it is a child of this process. */
  #launched: ChildProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(folder: string, binaries: PostgresBinaries, runAs: RunAs) {
    this.#folder = folder;
    this.#log = join(folder, "server.log");
    this.#binaries = binaries;
    this.#runAs = runAs;
  }

  /**
   * Starts the server of a data directory, which is made when it is not there. One that still
   * runs, because its shop was killed, is taken over. Should it die later, it is started again.
   * Throws a StartError.
   */
  static async start(dataDir: string): Promise<EmbeddedPostgres> {
    const folder = join(dataDir, "postgres");
    const found = await postgresBinaries();
    const runAs = postgresUser(folder);
    const server = new EmbeddedPostgres(folder, await reachable(found, runAs), runAs);
    // However the process ends, but for SIGKILL, the server ends with it.
    process.on("exit", server.#stopWithoutWaiting);
    try {
      await server.#provideData();
      await server.#ensureRunning();
    } catch (error) {
      server.#stopWithoutWaiting();
      process.off("exit", server.#stopWithoutWaiting);
      throw error;
    }
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
    // A connection that breaks fails the work; without a listener, it would end the process.
    client.on("error", () => undefined);
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
    const pid = this.#pid();
    if (pid !== undefined) await endServer(pid);
    process.off("exit", this.#stopWithoutWaiting);
  }

  /** The server, unless somebody else has started it. */
  #pid(): number | undefined {
    const running = findServer(this.#folder);
    return running?.isOurs === true ? running.pid : undefined;
  }

  readonly #stopWithoutWaiting = (): void => {
    // With the programs that it has started. What it leaves is known by its mark.
    if (this.#initdb?.pid !== undefined) send(-this.#initdb.pid, "SIGKILL");
    // One that was just started has no pid file yet.
    const pid = this.#launched?.pid ?? this.#pid();
    // SIGINT is PostgreSQL's fast shutdown.
    if (pid !== undefined) send(pid, "SIGINT");
  };

  /** Makes the data where nothing is there, and gives those that are there to the server's user. */
  async #provideData(): Promise<void> {
    const folder = this.#folder;
    try {
      if (this.#runAs === undefined && existsSync(folder)) own(folder, this.#runAs);
      if (!holdsData(folder, this.#binaries.majorVersion)) {
        await makeData(folder, (fresh) => this.#initialize(fresh));
      }
      await this.#endOlderServer();
      own(realpathSync(folder), this.#runAs);
      // Whoever can enter it can connect.
      if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`The data in ${folder} cannot be read (${messageOf(error)}).`);
    }
  }

  async #initialize(fresh: string): Promise<void> {
    const user = initdbUser(this.#runAs);
    if (user !== undefined) chownSync(fresh, user.uid, user.gid);
    const child = this.#spawn(this.#binaries.initdb, fresh, user, "pipe", [
      "-U",
      superuser,
      "--auth=trust",
      "--encoding=UTF8",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--locale=C",
      "--no-instructions",
    ]);
    this.#initdb = child;
    const ended = once(child, "close") as Promise<[number | null]>;
    const [errors, [status]] = await Promise.all([child.stderr ? text(child.stderr) : "", ended]);
    this.#initdb = undefined;
    if (status !== 0) {
      throw new StartError(`The database cannot be made in ${this.#folder} (${reasonOf(errors)}).`);
    }
    own(fresh, this.#runAs);
  }

  /** An earlier version's server runs as a user that the data are not going to belong to any more. */
  async #endOlderServer(): Promise<void> {
    const running = findServer(this.#folder);
    if (running === undefined) return;
    if (!running.isOurs) {
      throw new StartError(
        `Another PostgreSQL, with the process id ${running.pid}, runs on ${this.#folder}; stop it first.`,
      );
    }
    const uid = this.#runAs?.uid ?? process.getuid?.();
    if (running.uid !== uid) await endServer(running.pid);
  }

  async #ensureRunning(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const launch = findServer(this.#folder) === undefined ? this.#launch() : undefined;
      const failure = await this.#untilAnswer(launch);
      if (failure === undefined) return;
      const isPassing = /still in use|already exists|shutting down/.test(failure);
      if (!isPassing || attempt >= startAttempts || this.#stopping.signal.aborted) {
        throw new StartError(`PostgreSQL does not start: ${failure}; see ${this.#log}.`);
      }
      await sleep(startRetryMs);
    }
  }

  /** Waits until the server answers. Gives the reason when it does not. */
  async #untilAnswer(launch: Promise<string> | undefined): Promise<string | undefined> {
    let failure: string | undefined;
    launch?.then(
      (reason) => (failure = reason),
      (error: unknown) => (failure = messageOf(error)),
    );
    const endMs = performance.now() + startWithinMs;
    while (performance.now() < endMs && !this.#stopping.signal.aborted) {
      if (await this.#answers()) return undefined;
      if (failure !== undefined) return failure;
      if (launch === undefined && findServer(this.#folder) === undefined) {
        return "the one that was there is shutting down";
      }
      await sleep(pollMs);
    }
    return "it does not answer";
  }

  async #answers(): Promise<boolean> {
    try {
      await this.query("postgres", (client) => client.query("SELECT 1"));
      return true;
    } catch {
      return false;
    }
  }

  /** Starts the server; settled with the reason when it has ended. */
  async #launch(): Promise<string> {
    this.#disownPid();
    const settings = [
      // Tells this server, and whose it is, in the list of processes.
      `shop.folder=${this.#folder}`,
      "listen_addresses=",
      // The data directory itself: it is closed to everybody else.
      "unix_socket_directories=.",
      "unix_socket_permissions=0700",
      `max_connections=${maxConnections}`,
      // Its log says what went wrong, and not with whose email.
      "log_error_verbosity=terse",
      "log_min_error_statement=panic",
    ];
    // In a folder that is another user's, a link of that name would lead root anywhere.
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    const log = openSync(this.#log, flags, 0o600);
    try {
      const before = fstatSync(log).size;
      const args = settings.flatMap((setting) => ["-c", setting]);
      const child = this.#spawn(this.#binaries.postgres, this.#folder, this.#runAs, log, args);
      child.unref();
      this.#launched = child;
      const [status] = (await once(child, "exit")) as [number | null];
      const written = Buffer.alloc(Math.max(0, Math.min(fstatSync(log).size - before, 65_536)));
      readSync(log, written, 0, written.length, before);
      return reasonOf(written.toString("utf8")) || `it has ended with status ${status}`;
    } finally {
      this.#launched = undefined;
      closeSync(log);
    }
  }

  /** Starts the server again whenever it has died, until it is stopped. */
  async #supervise(): Promise<void> {
    const pause = { signal: this.#stopping.signal, ref: false };
    while (await sleep(superviseEveryMs, true, pause).catch(() => false)) {
      if (findServer(this.#folder) !== undefined) continue;
      process.stderr.write("PostgreSQL has died; starting it again.\n");
      await this.#ensureRunning().catch((error: unknown) => {
        process.stderr.write(`${messageOf(error)}\n`);
      });
    }
  }

  /**
   * PostgreSQL does not start while anybody has the pid that a crash left in its lock files. The
   * main one stays: by its other lines PostgreSQL finds children of the old server that still work.
   */
  #disownPid(): void {
    rmSync(join(this.#folder, ".s.PGSQL.5432.lock"), { force: true });
    const file = join(this.#folder, "postmaster.pid");
    if (!existsSync(file)) return;
    const text = readFileSync(file, "utf8").replace(/^\d+/, String(nobodysPid));
    const flag = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;
    writeFileSync(file, text, { flag } as unknown as { flag: string });
  }

  /** Starts a program of PostgreSQL on a folder. */
  #spawn(
    file: string,
    folder: string,
    user: RunAs,
    errors: "pipe" | number,
    args: string[],
  ): ChildProcess {
    const descriptor = openSync(folder, "r");
    try {
      return spawn(file, ["-D", folderPath, ...args], {
        ...user,
        cwd: "/",
        env: { PATH: systemPath, LC_ALL: "C" },
        stdio: ["ignore", errors === "pipe" ? "ignore" : errors, errors, descriptor],
        // Out of the terminal's reach: Ctrl-C is for the shop, which then stops its server.
        detached: true,
      });
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Ends a server fast: what is committed is safe, connections are cut. */
async function endServer(pid: number): Promise<void> {
  // Fast, and when that takes too long, at once: the next start recovers.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    send(pid, signal);
    const endMs = performance.now() + stopWithinMs;
    while (performance.now() < endMs) {
      if (!isRunning(pid)) return;
      await sleep(pollMs);
    }
  }
  throw new StartError(`PostgreSQL, with the process id ${pid}, does not end.`);
}

/** Sends a signal to a process that may have ended, or with a minus to its group. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

/** The first line that says what went wrong: what follows fails because of it. */
function reasonOf(output: string): string {
  const lines = output.split("\n").map((line) => line.trim());
  const worst =
    // Whoever connects too early is told so, too.
    lines.find((line) => /\b(FATAL|PANIC):(?! +the database system is)/.test(line)) ??
    lines.find((line) => line.includes("error:")) ??
    lines.findLast((line) => line !== "");
  return (worst ?? "")
    .replace(/^.*?\b(FATAL|PANIC|error): */, "")
    .replaceAll(folderPath, "the folder");
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}
