import { join } from "node:path";
import pg from "pg";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import { eventually } from "../../support/eventually.ts";
import { postmasterPid } from "../../support/processes.ts";
import { snapshotQueries, type Service, type Snapshot } from "../snapshot.ts";

const services = ["users", "products", "orders"] as const;

/** The databases of one shop, on a real PostgreSQL that is as safe as it is by default. */
export class Databases {
  readonly #dataDir: string;
  readonly #postgres: EmbeddedPostgres;
  readonly #suffix: string;

  private constructor(dataDir: string, postgres: EmbeddedPostgres, suffix: string) {
    this.#dataDir = dataDir;
    this.#postgres = postgres;
    this.#suffix = suffix;
  }

  /** Starts a server, which can have databases for more than one shop. */
  static async start(dataDir: string): Promise<Databases> {
    return new Databases(dataDir, await EmbeddedPostgres.start(dataDir), "");
  }

  /** The socket it listens on. */
  get socket(): string {
    return join(this.#dataDir, "postgres", ".s.PGSQL.5432");
  }

  /** What the database of a service is called. */
  nameOf(service: Service): string {
    return `${service}${this.#suffix}`;
  }

  /** Makes empty databases of their own for a shop of this name. */
  async create(name: string): Promise<Databases> {
    const created = new Databases(this.#dataDir, this.#postgres, name === "" ? "" : `_${name}`);
    await this.#postgres.query("postgres", async (client) => {
      for (const service of services) {
        await client.query(`CREATE DATABASE ${created.nameOf(service)}`);
      }
    });
    return created;
  }

  /** Runs SQL of our own, past the services and the proxies. */
  async query<Row extends pg.QueryResultRow>(service: Service, sql: string): Promise<Row[]> {
    const { rows } = await this.#postgres.query(this.nameOf(service), (client) =>
      client.query<Row>(sql),
    );
    return rows;
  }

  /** A connection that stays open, until the caller ends it. */
  async connect(service: Service): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#postgres.url(this.nameOf(service)) });
    // Faults end it; the next query says so.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** Stops the server at once, as a crash would; its supervision starts it again. */
  crash(): void {
    process.kill(postmasterPid(this.#dataDir), "SIGQUIT");
  }

  async answering(): Promise<void> {
    await eventually("PostgreSQL answering", () => this.query("users", "SELECT 1"), {
      withinMs: 30_000,
      everyMs: 100,
    });
  }

  /** All tables that the checks need, each database as it was at one moment. */
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
    // As JSON, so that all numbers are numbers and all times are texts, here and in the file.
    const { rows } = await client.query<{ list: unknown }>(
      `SELECT coalesce(json_agg(row_to_json(t)), '[]') AS list FROM (${sql}) t`,
    );
    tables[table] = rows[0]?.list;
  }
  await client.query("COMMIT");
  return tables;
}
