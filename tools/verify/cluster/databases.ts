import { join } from "node:path";
import pg from "pg";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import { eventually } from "../../support/eventually.ts";
import { signalAll } from "../../support/kill-processes.ts";
import { postgresPids, postmasterPid } from "../../support/processes.ts";
import { snapshotQueries, type Service, type Snapshot } from "../snapshot.ts";

const services = ["users", "products", "orders", "webhooks"] as const;

/**
 * The databases of one shop, on a PostgreSQL with its default durability. Commits that do not wait for
 * the disk stay in memory for longer, so that a crash loses more of them.
 */
export class Databases {
  readonly #dataDir: string;
  readonly #postgres: EmbeddedPostgres;
  readonly #suffix: string;

  private constructor(dataDir: string, postgres: EmbeddedPostgres, suffix: string) {
    this.#dataDir = dataDir;
    this.#postgres = postgres;
    this.#suffix = suffix;
  }

  /** Starts a server, which can hold the databases of several shops. */
  static async start(dataDir: string): Promise<Databases> {
    // The faults end the server on purpose; a sentence about it would continue the progress line.
    const postgres = await EmbeddedPostgres.start(dataDir, { warn: () => undefined });
    await postgres.query("postgres", async (client) => {
      await client.query("ALTER SYSTEM SET wal_writer_delay = '10s'");
      await client.query("SELECT pg_reload_conf()");
    });
    return new Databases(dataDir, postgres, "");
  }

  /** The Unix socket of the server. */
  get socket(): string {
    return join(this.#dataDir, "postgres", ".s.PGSQL.5432");
  }

  /** Returns the name of the database of a service. */
  nameOf(service: Service): string {
    return `${service}${this.#suffix}`;
  }

  /** Creates the empty databases of another shop. */
  async create(name: string): Promise<Databases> {
    const created = new Databases(this.#dataDir, this.#postgres, name === "" ? "" : `_${name}`);
    await this.#postgres.query("postgres", async (client) => {
      for (const service of services) {
        await client.query(`CREATE DATABASE ${created.nameOf(service)}`);
      }
    });
    return created;
  }

  /** Keeps a copy of the database of a service, which no node may use meanwhile. */
  async backUp(service: Service): Promise<void> {
    await this.#copy(this.nameOf(service), this.#backupOf(service));
  }

  /** Sets the database of a service back to its copy. No node may use it meanwhile. */
  async restore(service: Service): Promise<void> {
    await this.#postgres.query("postgres", (client) =>
      client.query(`DROP DATABASE ${this.nameOf(service)} WITH (FORCE)`),
    );
    await this.#copy(this.#backupOf(service), this.nameOf(service));
  }

  #backupOf(service: Service): string {
    return `backup_${this.nameOf(service)}`;
  }

  /** Copies a database as soon as the sessions of killed nodes have ended. */
  async #copy(from: string, to: string): Promise<void> {
    await eventually(`a copy of the database ${from}`, async () => {
      await this.#postgres.query("postgres", (client) =>
        client.query(`CREATE DATABASE ${to} TEMPLATE ${from}`),
      );
      return true;
    });
  }

  /** Runs SQL directly, without the services and the proxies. */
  async query<Row extends pg.QueryResultRow>(service: Service, sql: string): Promise<Row[]> {
    const { rows } = await this.#postgres.query(this.nameOf(service), (client) =>
      client.query<Row>(sql),
    );
    return rows;
  }

  /** Opens a connection, which the caller ends. */
  async connect(service: Service): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#postgres.url(this.nameOf(service)) });
    // Faults end the connection; the next query then fails.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** Crashes the server. EmbeddedPostgres starts it again. */
  crash(): void {
    process.kill(postmasterPid(this.#dataDir), "SIGQUIT");
  }

  /**
   * Kills a process of the server. The server then ends all sessions and recovers; what was only in
   * memory is lost. Waits until it answers.
   */
  async crashSessions(): Promise<void> {
    const postmaster = postmasterPid(this.#dataDir);
    const children = () => postgresPids(this.#dataDir).filter((pid) => pid !== postmaster);
    const before = new Set(children());
    signalAll([...before].slice(0, 1), "SIGKILL");
    await eventually(
      "the end of all processes of PostgreSQL",
      () => !children().some((pid) => before.has(pid)),
    );
    await this.answering();
  }

  /** Waits until the server answers queries. */
  async answering(): Promise<void> {
    await eventually("PostgreSQL answering", () => this.query("users", "SELECT 1"), {
      withinMs: 30_000,
      everyMs: 100,
    });
  }

  /** Reads all tables that the checks need; each database is consistent. */
  async snapshot(): Promise<Snapshot> {
    const taken: Partial<Record<Service, Record<string, unknown>>> = {};
    for (const service of services) {
      taken[service] = await this.#postgres.query(this.nameOf(service), (client) =>
        tablesOf(client, snapshotQueries[service]),
      );
    }
    return taken as unknown as Snapshot;
  }

  async stop(): Promise<void> {
    await this.#postgres.stop();
  }
}

async function tablesOf(client: pg.Client, queries: Record<string, string>) {
  const tables: Record<string, unknown> = {};
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  for (const [table, sql] of Object.entries(queries)) {
    // As JSON, so that numbers and times have the same types here and in the file.
    const { rows } = await client.query<{ list: unknown }>(
      `SELECT coalesce(json_agg(row_to_json(t)), '[]') AS list FROM (${sql}) t`,
    );
    tables[table] = rows[0]?.list;
  }
  await client.query("COMMIT");
  return tables;
}
