import type { Client } from "pg";
import { CommandError } from "../core/command-error.ts";
import { messageOf } from "../core/errors.ts";
import { postgresFolder } from "./data-dir.ts";
import { domainServices, type DomainService } from "../services/registry.ts";
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";
import { postgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { PostgresData } from "./postgres-data.ts";
import { createDatabases, postgresUrl, queryDatabase } from "./postgres-databases.ts";
import { adviceOn } from "./postgres-program.ts";
import { PostgresServer } from "./postgres-server.ts";
import { postgresUser, runnableBinaries, type RunAs } from "./postgres-user.ts";

interface EmbeddedOptions {
  platform?: Platform;
  /** Takes a sentence when the server has died, does not start again, or runs again. */
  warn?: (sentence: string) => void;
  /** PostgreSQL's `max_connections`. */
  maxConnections?: number;
}

const defaults: Required<EmbeddedOptions> = {
  platform: thisPlatform,
  warn: (sentence) => {
    process.stderr.write(`${sentence}\n`);
  },
  // For the pools of all services and a few other clients.
  maxConnections: 100,
};

/** A PostgreSQL server from npm, whose folder holds its data and its Unix socket. */
export class EmbeddedPostgres {
  readonly #folder: string;
  readonly #platform: Platform;
  readonly #data: PostgresData;
  readonly #server: PostgresServer;
  #ready: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(
    folder: string,
    binaries: PostgresBinaries,
    runAs: RunAs,
    options: Required<EmbeddedOptions>,
  ) {
    const { platform } = options;
    // Beside the folder: a base backup reads all files of the folder, and cannot read a log of root.
    const log = `${folder}.log`;
    this.#folder = folder;
    this.#platform = platform;
    this.#data = new PostgresData({ folder, log, binaries, runAs, platform });
    this.#server = new PostgresServer({
      ...options,
      folder,
      log,
      program: binaries.postgres,
      runAs,
    });
  }

  /** Starts the server of a data directory, and waits until it answers. Throws CommandError. */
  static async start(dataDir: string, options?: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const postgres = await EmbeddedPostgres.launch(dataDir, options);
    await postgres.ready;
    return postgres;
  }

  /**
   * Makes the data of a data directory if there are none, and launches the server. The caller awaits
   * `ready`. Throws CommandError.
   */
  static async launch(dataDir: string, given: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
    const options = { ...defaults, ...given };
    const folder = postgresFolder(dataDir);
    const found = await postgresBinaries();
    const runAs = postgresUser(folder, options.platform);
    const binaries = await runnableBinaries(found, runAs);
    const postgres = new EmbeddedPostgres(folder, binaries, runAs, options);
    // The server ends with the process, unless SIGKILL ends it.
    process.on("exit", postgres.#interrupt);
    await postgres.#orInterrupt(postgres.#data.provide());
    postgres.#ready = postgres.#orInterrupt(postgres.#server.start());
    // The caller may fail before it awaits `ready`.
    postgres.#ready.catch(() => undefined);
    return postgres;
  }

  /** Resolves when the server answers. Rejects with CommandError. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Returns the connection URL of a database. */
  url(database: string): string {
    return postgresUrl(this.#folder, database, this.#platform);
  }

  /** Returns the URLs of the databases of the services. */
  serviceUrls(): Record<DomainService, string> {
    const urls = domainServices.map((name) => [name, this.url(name)]);
    return Object.fromEntries(urls) as Record<DomainService, string>;
  }

  /**
   * Creates missing databases of the services when the server answers. Returns the URLs of all.
   * Throws CommandError.
   */
  async createDatabases(): Promise<Record<DomainService, string>> {
    await this.#ready;
    try {
      await this.query("postgres", createDatabases);
    } catch (error) {
      const reason = messageOf(error);
      throw new CommandError(
        `The databases of the services cannot be made (${reason}); see ${this.#folder}.log.${adviceOn(reason)}`,
      );
    }
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
    this.#server.abort();
    await this.#ready.catch(() => undefined);
    await this.#server.stop();
    process.off("exit", this.#interrupt);
  }

  /** Awaits a step of the start. If it fails, the server ends. */
  async #orInterrupt(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      this.#interrupt();
      process.off("exit", this.#interrupt);
      throw error;
    }
  }

  /** Ends initdb and the server without waiting. */
  readonly #interrupt = (): void => {
    this.#data.interrupt();
    this.#server.interrupt();
  };
}
