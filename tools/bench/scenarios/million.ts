import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { joinShop } from "../../../commands/node/join.ts";
import { readConfig, singleProcessDefaults } from "../../../config/config.ts";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import type { StockAudit } from "../../../services/products/products.contract.ts";
import type { LoadProcess } from "../load/load-process.ts";
import type { LoadRequest } from "../load/load.ts";
import { writeHistory } from "./long-history.ts";
import { cursorOfDeepPage, pageOf } from "./product-pages.ts";
import type { ShowPart } from "../parts.ts";
import type { Figure } from "../report.ts";
import { orderOf, readOf } from "./scenarios.ts";
import { startShopProcess, type ShopProcess } from "../shop-process.ts";
import { median } from "../statistics.ts";
import { createAdmin, signUp, type Customer } from "../stock-shop.ts";

const manyRows = 1_000_000;
const fewRows = 1_000;
const buyerCount = 20;
const inFlight = 64;
const warmUpSeconds = 0.3;
/** Products requested in one round. Each round takes other products, so that few are cached. */
const idsPerRound = 20_000;

/** The requests that both shops are measured with. */
const kinds = ["product by id", "first page", "thousandth page", "placeOrder"] as const;
type Kind = (typeof kinds)[number];

/** A shop filled with many or few rows. */
interface FilledShop {
  shop: ShopProcess;
  requestsOf: (kind: Kind, round: number) => LoadRequest[];
  p50Ms: Map<Kind, number[]>;
  sharedBuffers: string;
  stop(): Promise<void>;
}

/**
 * Compares the latencies of a shop with a million products and orders with those of a shop with a
 * thousand of each. The shops alternate; the figures are medians over the rounds.
 */
export async function measureMillion(
  load: LoadProcess,
  { rounds, seconds, show }: { rounds: number; seconds: number; show: ShowPart },
): Promise<Figure[]> {
  show("filling two shops", 0);
  const startMs = performance.now();
  const [large, small] = await Promise.all([fill(manyRows), fill(fewRows)]);
  const filledMs = performance.now() - startMs;
  try {
    for (let round = 0; round < rounds; round += 1) {
      show(`round ${round + 1} of ${rounds}`, 0.6 + (0.4 * round) / rounds);
      for (const kind of kinds) {
        for (const { shop, requestsOf, p50Ms } of [small, large]) {
          const options = { port: shop.port, requests: requestsOf(kind, round), inFlight };
          await load.run({ ...options, seconds: warmUpSeconds });
          const { p50Ms: latencyMs } = await load.run({ ...options, seconds });
          p50Ms.set(kind, [...(p50Ms.get(kind) ?? []), latencyMs]);
        }
      }
    }
    const many = manyRows.toLocaleString("en");
    return [
      {
        what: `filling ${many} products and orders (shared_buffers ${large.sharedBuffers})`,
        value: filledMs / 1000,
        unit: "s",
      },
      ...[...large.p50Ms].map(([kind, latenciesMs]) => ({
        what: `${kind}, p50 with ${many} products and orders / with ${fewRows.toLocaleString("en")}`,
        value: median(latenciesMs) / median(small.p50Ms.get(kind) ?? []),
        unit: "ratio",
        target: { atMost: 1.25 },
      })),
    ];
  } finally {
    await Promise.all([small.stop(), large.stop()]);
  }
}

/** Starts a shop with `rows` products and `rows` orders, and audits its ledger. */
async function fill(rows: number): Promise<FilledShop> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const buyers = await createBuyers(dataDir);
  const postgres = await EmbeddedPostgres.start(dataDir);
  await writeHistory(
    await postgres.createDatabases(),
    rows,
    buyers.map(({ id }) => id),
  );
  await postgres.stop();
  const shop = await startShopProcess(dataDir);
  await assertAudit(dataDir, rows);
  const url = `http://127.0.0.1:${shop.port}`;
  // The small catalogue has no thousandth page; its first page is measured instead.
  const deepCursor = rows === fewRows ? null : await cursorOfDeepPage(url);
  const { ids, sharedBuffers } = await sample(shop.databaseUrl("products"));
  const [{ token } = { token: "" }] = buyers;
  const idsOf = (round: number) => {
    const from = (round * idsPerRound) % Math.max(1, ids.length - idsPerRound + 1);
    return ids.slice(from, from + idsPerRound);
  };
  const requestsOf = (kind: Kind, round: number): LoadRequest[] => {
    if (kind === "product by id") return idsOf(round).map(readOf);
    if (kind === "placeOrder") return idsOf(round).map((id) => orderOf(id, token));
    return [pageOf(kind === "first page" ? null : deepCursor)];
  };
  return {
    shop,
    requestsOf,
    sharedBuffers,
    p50Ms: new Map<Kind, number[]>(),
    async stop() {
      await shop.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Creates the databases of a shop that has only customers. */
async function createBuyers(dataDir: string): Promise<Customer[]> {
  const shop = await startShopProcess(dataDir);
  const url = `http://127.0.0.1:${shop.port}`;
  const adminToken = await createAdmin(url);
  const buyers: Customer[] = [];
  for (let n = 0; n < buyerCount; n += 1) {
    buyers.push(await signUp(url, `customer${n}`, adminToken));
  }
  await shop.stop();
  return buyers;
}

/** Checks the rows, which were written without the services, with the action `products.audit`. */
async function assertAudit(dataDir: string, rows: number): Promise<void> {
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: "warn" }, singleProcessDefaults);
  const operator = await joinShop(config, "bench");
  if (operator === undefined) throw new Error(`no shop is running on ${dataDir}`);
  try {
    await operator.waitForServices("products");
    const audit = await operator.call<StockAudit, object>(
      "products.audit",
      {},
      { timeout: 60_000 },
    );
    const { products, changes, held, differences } = audit;
    const isComplete = products === rows && changes === 2 * rows && held === 0;
    if (!isComplete || differences.length > 0) {
      throw new Error(`the audit found differences: ${JSON.stringify(audit)}`);
    }
  } finally {
    await operator.stop();
  }
}

/** Gives random product ids and the `shared_buffers` setting of PostgreSQL. */
async function sample(url: string): Promise<{ ids: string[]; sharedBuffers: string }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>(
      "SELECT id FROM products ORDER BY random() LIMIT $1",
      [3 * idsPerRound],
    );
    const shown = await client.query<{ shared_buffers: string }>("SHOW shared_buffers");
    return {
      ids: rows.map(({ id }) => id),
      sharedBuffers: shown.rows[0]?.shared_buffers ?? "",
    };
  } finally {
    await client.end();
  }
}
