import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { domainServices, type DomainService } from "../services/registry.ts";
import { StartError } from "./data-dir.ts";
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";
import { postgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { holdsData } from "./postgres-folder.ts";
import { createDatabases, postgresUrl, queryDatabase } from "./postgres-databases.ts";
import { findServer, type RunningServer } from "./postgres-process.ts";
import {
  endServer,
  initdbArguments,
  moveOlderLog,
  openLog,
  reasonOf,
  replacePid,
  runOn,
  send,
  serverArguments,
  textAfter,
} from "./postgres-program.ts";
import { initdbUser, own, postgresUser, reachable, type RunAs } from "./postgres-user.ts";
import { finishRestore, makeData } from "./workshop.ts";

/** After a kill -9, the old server's children hold its shared memory for a moment. */
const startAttempts = 20;
const startRetryMs = 500;
/** Recovery from a crash may take long. */
const startWithinMs = 300_000;
const pollMs = 20;
const superviseEveryMs = 1000;

interface EmbeddedOptions {
  platform?: Platform;
  /** Takes a sentence when the server has died or does not start again. */
  warn?: (sentence: string) => void;
  /** PostgreSQL's `max_connections`. */
  maxConnections?: number;
}

const defaults: Required<EmbeddedOptions> = {
  platform: thisPlatform,
  warn: (sentence) => {
    process.stderr.write(`${sentence}\n`);
  },
  // For three pools and a few other clients.
  maxConnections: 100,
};

/** A PostgreSQL server from npm, whose folder holds its data and its Unix socket. */
export class EmbeddedPostgres {
  readonly #folder: string;
  readonly #log: string;
  readonly #binaries: PostgresBinaries;
  readonly #runAs: RunAs;
  readonly #options: Required<EmbeddedOptions>;
  readonly #stopping = new AbortController();
  #initdb: ChildProcess | undefined;
  /** The server, if this process started it. */
  #launched: ChildProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(
    folder: string,
    binaries: PostgresBinaries,
    runAs: RunAs,
    options: Required<EmbeddedOptions>,
  ) {
    this.#folder = folder;
    // Not in the folder: a base backup has all files of the folder, and root's log is closed to it.
    this.#log = `${folder}.log`;
    this.#binaries = binaries;
    this.#runAs = runAs;
    this.#options = options;
  }

  /** Starts the server of a data directory, and waits until it answers. Throws StartError. */
  static async start(dataDir: string, options?: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const server = await EmbeddedPostgres.launch(dataDir, options);
    await server.ready;
    return server;
  }

  /**
   * Launches the server of a data directory, and makes its data if there are none. The caller awaits
   * `ready`. A server that still runs after its shop was killed is adopted. A server that dies is
   * started again. Throws StartError.
   */
  static async launch(dataDir: string, given: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
    const options = { ...defaults, ...given };
    const folder = join(dataDir, "postgres");
    const found = await postgresBinaries();
    const runAs = postgresUser(folder, options.platform);
    const binaries = await reachable(found, runAs);
    const server = new EmbeddedPostgres(folder, binaries, runAs, options);
    // The server ends with the process, unless SIGKILL ends it.
    process.on("exit", server.#stopWithoutWaiting);
    await server.#orStop(server.#provideData());
    server.#ready = server.#orStop(server.#ensureRunning()).then(() => {
      server.#supervision = server.#supervise();
    });
    // The caller may fail before it awaits `ready`.
    server.#ready.catch(() => undefined);
    return server;
  }

  /** Resolves when the server answers. Rejects with StartError. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Awaits a step of the start. If it fails, the server ends. */
  async #orStop(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      this.#stopWithoutWaiting();
      process.off("exit", this.#stopWithoutWaiting);
      throw error;
    }
  }

  /** Returns the connection URL of a database. */
  url(database: string): string {
    return postgresUrl(this.#folder, database, this.#options.platform);
  }

  /** Returns the URLs of the databases of the services. */
  serviceUrls(): Record<DomainService, string> {
    const urls = domainServices.map((name) => [name, this.url(name)]);
    return Object.fromEntries(urls) as Record<DomainService, string>;
  }

  /** Creates missing databases of the services. Returns the URLs of all of them. */
  async createDatabases(): Promise<Record<DomainService, string>> {
    await this.query("postgres", createDatabases);
    return this.serviceUrls();
  }

  /** Runs short work on a new connection. */
  query<Result>(database: string, work: (client: Client) => Promise<Result>): Promise<Result> {
    return queryDatabase(this.url(database), work);
  }

  /** Stops the server by a fast shutdown: connections are closed, committed data are safe. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#shutDown());
  }

  async #shutDown(): Promise<void> {
    this.#stopping.abort();
    await this.#ready.catch(() => undefined);
    await this.#supervision;
    const pid = this.#pid();
    if (pid !== undefined) await endServer(pid, this.#options.platform);
    process.off("exit", this.#stopWithoutWaiting);
  }

  /** Returns the server's pid, unless no shop started the server. */
  #pid(): number | undefined {
    // A server that was just started has no pid file yet.
    if (this.#launched?.pid !== undefined) return this.#launched.pid;
    const running = this.#findServer();
    return running?.isOurs === true ? running.pid : undefined;
  }

  #findServer(): RunningServer | undefined {
    return findServer(this.#folder, this.#options.platform);
  }

  readonly #stopWithoutWaiting = (): void => {
    // Kills initdb's process group. The next start identifies the remains by their mark.
    if (this.#initdb?.pid !== undefined) send(-this.#initdb.pid, "SIGKILL");
    const pid = this.#pid();
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
      moveOlderLog(folder, this.#log);
      own(realpathSync(folder), this.#runAs);
      // Any user that can enter the folder could connect.
      if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`The data in ${folder} cannot be read (${messageOf(error)}).`);
    }
  }

  async #initialize(fresh: string): Promise<void> {
    const { platform } = this.#options;
    const { initdb } = this.#binaries;
    const user = initdbUser(this.#runAs, platform);
    if (user !== undefined) chownSync(fresh, user.uid, user.gid);
    const child = runOn(platform, initdb, fresh, user, "pipe", initdbArguments);
    this.#initdb = child;
    const ended = once(child, "close") as Promise<[number | null]>;
    const [errors, [status]] = await Promise.all([child.stderr ? text(child.stderr) : "", ended]);
    this.#initdb = undefined;
    if (status !== 0) {
      throw new StartError(
        `The database cannot be made in ${this.#folder} (${reasonOf(errors, this.#folder, platform)}).`,
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
    if (running.uid !== uid) await endServer(running.pid, this.#options.platform);
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
    const { platform, maxConnections } = this.#options;
    replacePid(this.#folder);
    const log = openLog(this.#log);
    try {
      const before = fstatSync(log).size;
      const { postgres } = this.#binaries;
      const args = serverArguments(this.#folder, maxConnections);
      const child = runOn(platform, postgres, this.#folder, this.#runAs, log, args);
      child.unref();
      this.#launched = child;
      const [status] = (await once(child, "exit")) as [number | null];
      const written = textAfter(log, before);
      return reasonOf(written, this.#folder, platform) || `it ended with status ${status}`;
    } finally {
      this.#launched = undefined;
      closeSync(log);
    }
  }

  /**
   * Starts the server again whenever it dies, until `stop`. Says once why it does not start: a full
   * disk lets it fail each second.
   */
  async #supervise(): Promise<void> {
    const pause = { signal: this.#stopping.signal, ref: false };
    let failure: string | undefined;
    while (await sleep(superviseEveryMs, true, pause).catch(() => false)) {
      if (this.#launched !== undefined || this.#findServer() !== undefined) continue;
      if (failure === undefined) this.#options.warn("PostgreSQL has died; starting it again.");
      const message = await this.#ensureRunning().then(() => undefined, messageOf);
      // The messages of two tries may differ in the ids of processes.
      const kind = message?.replace(/\d+/g, "");
      if (message !== undefined && kind !== failure) {
        this.#options.warn(`${message} The shop tries again every second.`);
      }
      if (message === undefined && failure !== undefined) {
        this.#options.warn("PostgreSQL runs again.");
      }
      failure = kind;
    }
  }
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}
