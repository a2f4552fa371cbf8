import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
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
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";
import { postgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { holdsData } from "./postgres-folder.ts";
import { findServer, folderSetting, type RunningServer } from "./postgres-process.ts";
import { initdbUser, own, postgresUser, reachable, type RunAs } from "./postgres-user.ts";
import { finishRestore, makeData } from "./workshop.ts";

/** The superuser. It has no password: only a user that can enter the folder reaches the socket. */
const superuser = "shop";
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** After a kill -9, the old server's children hold its shared memory for a moment. */
const startAttempts = 20;
const startRetryMs = 500;
/** Recovery from a crash may take long. */
const startWithinMs = 300_000;
const pollMs = 20;
const stopWithinMs = 30_000;
const superviseEveryMs = 1000;
/** Larger than any pid of Linux. */
const unusedPid = 99_999_999;
/** For three pools and a few other clients. */
const defaultConnections = 100;

/** Returns the URL of a database whose server has its socket in this folder. */
export function postgresUrl(
  folder: string,
  database: string,
  platform: Platform = thisPlatform,
): string {
  const host = encodeURIComponent(platform.shortPathOf(folder));
  return `postgres://${superuser}@localhost/${database}?host=${host}`;
}

interface EmbeddedOptions {
  platform?: Platform;
  /** Takes a sentence when the server has died or does not start again. */
  warn?: (sentence: string) => void;
  /** PostgreSQL's `max_connections`. */
  maxConnections?: number;
}

const warnOnTerminal = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

/** A PostgreSQL server from npm, whose folder holds its data and its Unix socket. */
export class EmbeddedPostgres {
  readonly #folder: string;
  readonly #log: string;
  readonly #binaries: PostgresBinaries;
  readonly #runAs: RunAs;
  readonly #platform: Platform;
  readonly #warn: (sentence: string) => void;
  readonly #maxConnections: number;
  readonly #stopping = new AbortController();
  #initdb: ChildProcess | undefined;
  /** The server, if this process started it. */
  #launched: ChildProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(
    folder: string,
    binaries: PostgresBinaries,
    runAs: RunAs,
    { platform, warn, maxConnections }: Required<EmbeddedOptions>,
  ) {
    this.#folder = folder;
    // Not in the folder: a base backup has all files of the folder, and root's log is closed to it.
    this.#log = `${folder}.log`;
    this.#binaries = binaries;
    this.#runAs = runAs;
    this.#platform = platform;
    this.#warn = warn;
    this.#maxConnections = maxConnections;
  }

  /**
   * Starts the server of a data directory, and makes its data if there are none. A server that
   * still runs after its shop was killed is adopted. A server that dies is started again.
   * Throws StartError.
   */
  static async start(
    dataDir: string,
    {
      platform = thisPlatform,
      warn = warnOnTerminal,
      maxConnections = defaultConnections,
    }: EmbeddedOptions = {},
  ): Promise<EmbeddedPostgres> {
    const folder = join(dataDir, "postgres");
    const found = await postgresBinaries();
    const runAs = postgresUser(folder, platform);
    const binaries = await reachable(found, runAs);
    const server = new EmbeddedPostgres(folder, binaries, runAs, {
      platform,
      warn,
      maxConnections,
    });
    // The server ends with the process, unless SIGKILL ends it.
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

  /** Returns the connection URL of a database. */
  url(database: string): string {
    return postgresUrl(this.#folder, database, this.#platform);
  }

  /** Creates missing databases of the services. Returns the URLs of all of them. */
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

  /** Runs short work on a new connection. */
  async query<Result>(database: string, work: (client: pg.Client) => Promise<Result>) {
    const client = new pg.Client({ connectionString: this.url(database) });
    // A broken connection fails the work. Without this listener it would end the process.
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Stops the server by a fast shutdown: connections are closed, committed data are safe. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#shutDown());
  }

  async #shutDown(): Promise<void> {
    this.#stopping.abort();
    await this.#supervision;
    const pid = this.#pid();
    if (pid !== undefined) await endServer(pid, this.#platform);
    process.off("exit", this.#stopWithoutWaiting);
  }

  /** Returns the server's pid, unless no shop started the server. */
  #pid(): number | undefined {
    const running = this.#findServer();
    return running?.isOurs === true ? running.pid : undefined;
  }

  #findServer(): RunningServer | undefined {
    return findServer(this.#folder, this.#platform);
  }

  readonly #stopWithoutWaiting = (): void => {
    // Kills initdb's process group. The next start identifies the remains by their mark.
    if (this.#initdb?.pid !== undefined) send(-this.#initdb.pid, "SIGKILL");
    // A server that was just started has no pid file yet.
    const pid = this.#launched?.pid ?? this.#pid();
    // SIGINT is PostgreSQL's fast shutdown.
    if (pid !== undefined) send(pid, "SIGINT");
  };

  /** Makes the data if there are none, and changes the owner of existing data to the server's user. */
  async #provideData(): Promise<void> {
    const folder = this.#folder;
    try {
      finishRestore(folder);
      if (this.#runAs === undefined && existsSync(folder)) own(folder, this.#runAs);
      if (!holdsData(folder, this.#binaries.majorVersion)) {
        await makeData(folder, (fresh) => this.#initialize(fresh));
      }
      await this.#endOlderServer();
      this.#moveOlderLog();
      own(realpathSync(folder), this.#runAs);
      // Any user that can enter the folder could connect.
      if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`The data in ${folder} cannot be read (${messageOf(error)}).`);
    }
  }

  async #initialize(fresh: string): Promise<void> {
    const user = initdbUser(this.#runAs, this.#platform);
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
      throw new StartError(
        `The database cannot be made in ${this.#folder} (${this.#reasonOf(errors)}).`,
      );
    }
    own(fresh, this.#runAs);
  }

  /** Ends a server that an earlier version started as another user: the data get a new owner. */
  async #endOlderServer(): Promise<void> {
    const running = this.#findServer();
    if (running === undefined) return;
    if (!running.isOurs) {
      throw new StartError(
        `Another PostgreSQL, with the process id ${running.pid}, runs on ${this.#folder}; stop it first.`,
      );
    }
    const uid = this.#runAs?.uid ?? process.getuid?.();
    if (running.uid !== uid) await endServer(running.pid, this.#platform);
  }

  /** Version 1.0 had the log in the folder. */
  #moveOlderLog(): void {
    const older = join(this.#folder, "server.log");
    if (lstatSync(older, { throwIfNoEntry: false })?.isFile() === true) {
      renameSync(older, this.#log);
    }
  }

  async #ensureRunning(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const launch = this.#findServer() === undefined ? this.#launch() : undefined;
      const failure = await this.#waitUntilReady(launch);
      if (failure === undefined) return;
      const isTransient = /still in use|already exists|shutting down/.test(failure);
      if (!isTransient || attempt >= startAttempts || this.#stopping.signal.aborted) {
        throw new StartError(`PostgreSQL does not start: ${failure}; see ${this.#log}.`);
      }
      await sleep(startRetryMs);
    }
  }

  /** Waits until the server answers. Returns the reason if it does not. */
  async #waitUntilReady(launch: Promise<string> | undefined): Promise<string | undefined> {
    let failure: string | undefined;
    launch?.then(
      (reason) => (failure = reason),
      (error: unknown) => (failure = messageOf(error)),
    );
    const deadlineMs = performance.now() + startWithinMs;
    while (performance.now() < deadlineMs && !this.#stopping.signal.aborted) {
      if (await this.#answers()) return undefined;
      if (failure !== undefined) return failure;
      if (launch === undefined && this.#findServer() === undefined) {
        return "the previous server is shutting down";
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

  /** Starts the server. Resolves with the reason when the server has ended. */
  async #launch(): Promise<string> {
    this.#replacePid();
    const settings = [
      // Identifies this server, and a shop as its owner, in the list of processes.
      folderSetting(this.#folder),
      "listen_addresses=",
      // The data directory, which no other user can enter.
      "unix_socket_directories=.",
      "unix_socket_permissions=0700",
      `max_connections=${this.#maxConnections}`,
      // The log must not contain personal data, e.g. the values of a violated constraint.
      "log_error_verbosity=terse",
      "log_min_error_statement=panic",
    ];
    // O_NOFOLLOW: another user may own the data directory, and root would follow a link.
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
      return this.#reasonOf(written.toString("utf8")) || `it ended with status ${status}`;
    } finally {
      this.#launched = undefined;
      closeSync(log);
    }
  }

  /** Starts the server again whenever it dies, until `stop`. */
  async #supervise(): Promise<void> {
    const pause = { signal: this.#stopping.signal, ref: false };
    while (await sleep(superviseEveryMs, true, pause).catch(() => false)) {
      if (this.#launched !== undefined || this.#findServer() !== undefined) continue;
      this.#warn("PostgreSQL has died; starting it again.");
      await this.#ensureRunning().catch((error: unknown) => {
        this.#warn(messageOf(error));
      });
    }
  }

  /**
   * Replaces the pid that a crash left in the lock files: PostgreSQL does not start while any process
   * has this pid. postmaster.pid stays: by its other lines PostgreSQL finds running children of the
   * old server.
   */
  #replacePid(): void {
    rmSync(join(this.#folder, ".s.PGSQL.5432.lock"), { force: true });
    const file = join(this.#folder, "postmaster.pid");
    if (!existsSync(file)) return;
    const text = readFileSync(file, "utf8").replace(/^\d+/, String(unusedPid));
    const flag = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;
    writeFileSync(file, text, { flag } as unknown as { flag: string });
  }

  /** Returns the first line with an error; later errors are consequences. */
  #reasonOf(output: string): string {
    const lines = output.split("\n").map((line) => line.trim());
    const worst =
      // Clients that connect too early cause a FATAL line, too.
      lines.find((line) => /\b(FATAL|PANIC):(?! +the database system is)/.test(line)) ??
      lines.find((line) => line.includes("error:")) ??
      lines.findLast((line) => line !== "");
    return (worst ?? "")
      .replace(/^.*?\b(FATAL|PANIC|error): */, "")
      .replaceAll(this.#platform.inheritedPathOf(this.#folder), "the folder");
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
      return spawn(file, ["-D", this.#platform.inheritedPathOf(folder), ...args], {
        ...user,
        cwd: "/",
        env: { PATH: systemPath, LC_ALL: "C" },
        stdio: ["ignore", errors === "pipe" ? "ignore" : errors, errors, descriptor],
        // The terminal's Ctrl-C must reach only the shop, which then stops its server.
        detached: true,
      });
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Ends a server: connections are closed, committed data are safe. Throws StartError. */
async function endServer(pid: number, platform: Platform): Promise<void> {
  // SIGINT is a fast shutdown. SIGQUIT is an immediate one, after which the next start recovers.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    send(pid, signal);
    const deadlineMs = performance.now() + stopWithinMs;
    while (performance.now() < deadlineMs) {
      if (!platform.isRunning(pid)) return;
      await sleep(pollMs);
    }
  }
  throw new StartError(`PostgreSQL, with the process id ${pid}, does not end.`);
}

/** Sends a signal to a process, or with a negative id to its group. It may have ended. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}
