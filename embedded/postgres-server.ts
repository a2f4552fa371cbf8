import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../core/command-error.ts";
import { messageOf } from "../core/errors.ts";
import type { Platform } from "./platform/interface.ts";
import { postgresUrl, queryDatabase } from "./postgres-databases.ts";
import { findServer, folderSetting } from "./postgres-process.ts";
import { adviceOn, endServer, firstErrorIn, runOn, sendSignal } from "./postgres-program.ts";
import type { RunAs } from "./postgres-user.ts";

/** After a kill -9, the old server's children hold its shared memory for a moment. */
const startAttempts = 20;
const startRetryMs = 500;
/** Recovery from a crash may take long. */
const startWithinMs = 300_000;
const pollMs = 20;
const superviseEveryMs = 1000;
/** Larger than any pid of Linux. */
const unusedPid = 99_999_999;

interface ServerOptions {
  folder: string;
  /** The file of the server's log. */
  log: string;
  /** The path of the program `postgres`. */
  program: string;
  runAs: RunAs;
  platform: Platform;
  /** PostgreSQL's `max_connections`. */
  maxConnections: number;
  /** Takes a sentence when the server has died, does not start again, or runs again. */
  warn: (sentence: string) => void;
}

/**
 * The server process of a data folder. A server that still runs after its shop was killed is
 * adopted. A server that dies is started again.
 */
export class PostgresServer {
  readonly #options: ServerOptions;
  readonly #stopping = new AbortController();
  /** The server, if this process started it. */
  #launched: ChildProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Starts the server and waits until it answers. Then supervises it. Throws CommandError. */
  async start(): Promise<void> {
    await this.#ensureRunning();
    this.#supervision = this.#supervise();
  }

  /** Ends `start` and the supervision. */
  abort(): void {
    this.#stopping.abort();
  }

  /** Ends the server. Call `abort` first, and wait for `start`. */
  async stop(): Promise<void> {
    await this.#supervision;
    const pid = this.#pid();
    if (pid !== undefined) await endServer(pid, this.#options.platform);
  }

  /** Asks the server to end. */
  interrupt(): void {
    const pid = this.#pid();
    // SIGINT is PostgreSQL's fast shutdown.
    if (pid !== undefined) sendSignal(pid, "SIGINT");
  }

  /** Returns the server's pid, unless no shop started the server. */
  #pid(): number | undefined {
    // A server that was just started has no pid file yet.
    if (this.#launched?.pid !== undefined) return this.#launched.pid;
    const running = this.#find();
    return running?.isOurs === true ? running.pid : undefined;
  }

  #find() {
    return findServer(this.#options.folder, this.#options.platform);
  }

  async #ensureRunning(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const launch = this.#find() === undefined ? this.#launch() : undefined;
      const failure = await this.#waitUntilReady(launch);
      if (failure === undefined) return;
      const isTransient = /still in use|already exists|shutting down/.test(failure);
      if (!isTransient || attempt >= startAttempts || this.#stopping.signal.aborted) {
        throw new CommandError(
          `PostgreSQL does not start: ${failure}; see ${this.#options.log}.${adviceOn(failure)}`,
        );
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
      if (launch === undefined && this.#find() === undefined) {
        return "the previous server is shutting down";
      }
      await sleep(pollMs);
    }
    return "it does not answer";
  }

  async #answers(): Promise<boolean> {
    const { folder, platform } = this.#options;
    try {
      await queryDatabase(postgresUrl(folder, "postgres", platform), (client) =>
        client.query("SELECT 1"),
      );
      return true;
    } catch {
      return false;
    }
  }

  /** Starts the server. Resolves with the reason when the server has ended. */
  async #launch(): Promise<string> {
    const { folder, program, runAs, platform, maxConnections } = this.#options;
    replacePid(folder);
    const log = openLog(this.#options.log);
    try {
      const before = fstatSync(log).size;
      const args = serverArguments(folder, maxConnections);
      const child = runOn(folder, { platform, program, runAs, args, output: log });
      child.unref();
      this.#launched = child;
      const [status] = (await once(child, "exit")) as [number | null];
      const written = textAfter(log, before);
      return firstErrorIn(written, folder, platform) || `it ended with status ${status}`;
    } finally {
      this.#launched = undefined;
      closeSync(log);
    }
  }

  /**
   * Starts the server again whenever it dies, until `abort`. Says once why it does not start: a full
   * disk lets it fail each second.
   */
  async #supervise(): Promise<void> {
    const { warn } = this.#options;
    const pause = { signal: this.#stopping.signal, ref: false };
    let failure: string | undefined;
    while (await sleep(superviseEveryMs, true, pause).catch(() => false)) {
      if (this.#launched !== undefined || this.#find() !== undefined) continue;
      if (failure === undefined) warn("PostgreSQL has died; starting it again.");
      const message = await this.#ensureRunning().then(() => undefined, messageOf);
      // The messages of two tries may differ in the ids of processes.
      const kind = message?.replace(/\d+/g, "");
      if (message !== undefined && kind !== failure) {
        warn(`${message} The shop tries again every second.`);
      }
      if (message === undefined) warn("PostgreSQL runs again.");
      failure = kind;
    }
  }
}

/** Returns the arguments of a server on a folder. Its socket is in the folder, and it has no port. */
function serverArguments(folder: string, maxConnections: number): string[] {
  const settings = [
    // Identifies this server, and a shop as its owner, in the list of processes.
    folderSetting(folder),
    "listen_addresses=",
    // The data folder itself, which no other user can enter.
    "unix_socket_directories=.",
    "unix_socket_permissions=0700",
    `max_connections=${maxConnections}`,
    // The log must not contain personal data, e.g. the values of a violated constraint.
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
  ];
  return settings.flatMap((setting) => ["-c", setting]);
}

/**
 * Replaces the pid that a crash left in the lock files: PostgreSQL does not start while any process
 * has this pid. postmaster.pid stays: by its other lines PostgreSQL finds running children of the
 * old server.
 */
function replacePid(folder: string): void {
  rmSync(join(folder, ".s.PGSQL.5432.lock"), { force: true });
  const file = join(folder, "postmaster.pid");
  if (!existsSync(file)) return;
  const text = readFileSync(file, "utf8").replace(/^\d+/, String(unusedPid));
  const flag = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;
  writeFileSync(file, text, { flag } as unknown as { flag: string });
}

/** Opens the log of a server. Returns its file descriptor. */
function openLog(file: string): number {
  // Another user may own the data directory, and could replace the log by a link, which root would follow.
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  return openSync(file, flags, 0o600);
}

function textAfter(log: number, offset: number): string {
  const written = Buffer.alloc(Math.max(0, Math.min(fstatSync(log).size - offset, 65_536)));
  readSync(log, written, 0, written.length, offset);
  return written.toString("utf8");
}
