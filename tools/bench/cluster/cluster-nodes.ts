import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { DomainService } from "../../../services/registry.ts";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import { eventually } from "../../support/eventually.ts";
import { createNatsServer } from "../../support/nats-server.ts";
import { cleanUp, freePort, startCommand, type Program } from "../../support/processes.ts";

/** A cluster of one process per service over NATS, on PostgreSQL with its default durability. */
export interface BenchCluster {
  url: string;
  port: number;
  natsUrl: string;
  databaseUrls: Record<DomainService, string>;
  start(service: DomainService): Program;
  query<Row extends object>(service: DomainService, sql: string, bind?: unknown[]): Promise<Row[]>;
  /** Waits until the gateway has discovered all services. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL, NATS and a gateway. The caller starts the other services with `start`.
 *
 * @param added settings of all nodes, besides those of a benchmark
 */
export async function startCluster(added: Record<string, string> = {}): Promise<BenchCluster> {
  const folder = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const postgres = await EmbeddedPostgres.start(folder);
  const databaseUrls = await postgres.createDatabases();
  const nats = await createNatsServer();
  await nats.start();
  const port = await freePort();
  const settings = {
    TRANSPORTER: nats.url,
    HOST: "127.0.0.1",
    LOG_LEVEL: "warn",
    // All load comes from one address.
    RATE_LIMIT_PER_SECOND: "0",
    TOKEN_TTL_SECONDS: "86400",
    ...added,
  };
  startCommand("serve", { ...settings, SERVICES: "api", PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  const pools = new Map<DomainService, pg.Pool>();
  const poolOf = (service: DomainService) => {
    const pool = pools.get(service) ?? new pg.Pool({ connectionString: databaseUrls[service] });
    pools.set(service, pool);
    return pool;
  };
  return {
    url,
    port,
    natsUrl: nats.url,
    databaseUrls,
    start: (service) =>
      startCommand("serve", {
        ...settings,
        SERVICES: service,
        [`${service.toUpperCase()}_DB_URL`]: databaseUrls[service],
      }),
    query: async <Row extends object>(service: DomainService, sql: string, bind: unknown[] = []) =>
      (await poolOf(service).query<Row>(sql, bind)).rows,
    async ready() {
      await eventually(
        "the cluster being ready",
        async () => (await fetch(`${url}/health/ready`)).ok,
        { everyMs: 100 },
      );
    },
    async stop() {
      for (const pool of pools.values()) await pool.end();
      await cleanUp();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
