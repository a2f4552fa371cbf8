import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { joinShop } from "../../../commands/join.ts";
import { readConfig, singleProcessDefaults } from "../../../config/config.ts";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import type { StockAudit } from "../../../services/products/products.contract.ts";
import type { LoadProcess } from "../load/load-process.ts";
import type { LoadRequest } from "../load/load.ts";
import { writeHistory } from "./long-history.ts";
import { cursorOfDeepPage, pageOf } from "./product-pages.ts";
import type { Figure } from "../report.ts";
import { orderOf, readOf } from "./scenarios.ts";
import { startShopProcess, type ShopProcess } from "../shop-process.ts";
import { median } from "../statistics.ts";
import { makeAdmin, signUp, type Customer } from "../stock-shop.ts";

const manyRows = 1_000_000;
const fewRows = 1_000;
const buyerCount = 20;
const inFlight = 64;
const warmUpSeconds = 0.3;
/** Products that are asked for in one round: others in each, so that few are warm by chance. */
const idsPerRound = 20_000;

/** What is asked of both shops. */
const kinds = ["product by id", "first page", "thousandth page", "placeOrder"] as const;
type Kind = (typeof kinds)[number];

/** A shop with a long or a short history. */
interface Grown {
  shop: ShopProcess;
  /** What is sent in a round. */
  shots: (kind: Kind, round: number) => LoadRequest[];
  p50Ms: Map<Kind, number[]>;
  sharedBuffers: string;
  stop(): Promise<void>;
}

/**
 * What becomes of the waiting time when there are a million products and orders, beside a shop with
 * a thousand of each: medians over the rounds, in turn.
 */
export async function measureMillion(
  load: LoadProcess,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Figure[]> {
  const begun = performance.now();
  const [large, small] = await Promise.all([grow(manyRows), grow(fewRows)]);
  const grownMs = performance.now() - begun;
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of kinds) {
        for (const { shop, shots, p50Ms } of [small, large]) {
          const asked = { port: shop.port, shots: shots(kind, round), inFlight };
          await load.run({ ...asked, seconds: warmUpSeconds });
          const { p50Ms: waited } = await load.run({ ...asked, seconds });
          p50Ms.set(kind, [...(p50Ms.get(kind) ?? []), waited]);
        }
      }
    }
    const many = manyRows.toLocaleString("en");
    return [
      {
        what: `until there are ${many} products and orders (shared_buffers ${large.sharedBuffers})`,
        value: grownMs / 1000,
        unit: "s",
      },
      ...[...large.p50Ms].map(([kind, waited]) => ({
        what: `${kind}, p50 with ${many} products and orders / with ${fewRows.toLocaleString("en")}`,
        value: median(waited) / median(small.p50Ms.get(kind) ?? []),
        unit: "ratio",
        target: "≤ 1.25",
      })),
    ];
  } finally {
    await Promise.all([small.stop(), large.stop()]);
  }
}

/** A shop with so many products and as many orders, whose books have been found to be right. */
async function grow(rows: number): Promise<Grown> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const buyers = await withBuyers(dataDir);
  const postgres = await EmbeddedPostgres.start(dataDir);
  await writeHistory(
    await postgres.createDatabases(),
    rows,
    buyers.map(({ id }) => id),
  );
  await postgres.stop();
  const shop = await startShopProcess(dataDir);
  await assertBooksClose(dataDir, rows);
  const url = `http://127.0.0.1:${shop.port}`;
  // The catalogue of a thousand has no thousandth page: its first one stands in for it.
  const deepCursor = rows === fewRows ? null : await cursorOfDeepPage(url);
  const { ids, sharedBuffers } = await sample(shop.databaseUrl("products"));
  const [{ token } = { token: "" }] = buyers;
  const idsOf = (round: number) => {
    const from = (round * idsPerRound) % Math.max(1, ids.length - idsPerRound + 1);
    return ids.slice(from, from + idsPerRound);
  };
  const shots = (kind: Kind, round: number): LoadRequest[] => {
    if (kind === "product by id") return idsOf(round).map(readOf);
    if (kind === "placeOrder") return idsOf(round).map((id) => orderOf(id, token));
    return [pageOf(kind === "first page" ? null : deepCursor)];
  };
  return {
    shop,
    shots,
    sharedBuffers,
    p50Ms: new Map<Kind, number[]>(),
    async stop() {
      await shop.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Makes the databases of a shop in which there are only customers. */
async function withBuyers(dataDir: string): Promise<Customer[]> {
  const shop = await startShopProcess(dataDir);
  const url = `http://127.0.0.1:${shop.port}`;
  const adminToken = await makeAdmin(url);
  const buyers: Customer[] = [];
  for (let n = 0; n < buyerCount; n += 1) {
    buyers.push(await signUp(url, `customer${n}`, adminToken));
  }
  await shop.stop();
  return buyers;
}

/** What was written past the services must be what they would have written. */
async function assertBooksClose(dataDir: string, rows: number): Promise<void> {
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: "warn" }, singleProcessDefaults);
  const operator = await joinShop(config, "bench");
  if (operator === undefined) throw new Error(`there is no shop on ${dataDir}`);
  try {
    await operator.waitForServices("products");
    const audit = await operator.call<StockAudit, object>(
      "products.audit",
      {},
      { timeout: 60_000 },
    );
    const { products, changes, held, differences } = audit;
    const isRight = products === rows && changes === 2 * rows && held === 0;
    if (!isRight || differences.length > 0) {
      throw new Error(`the books do not close: ${JSON.stringify(audit)}`);
    }
  } finally {
    await operator.stop();
  }
}

/** Ids of products from all over the catalogue, mixed up, and how much PostgreSQL keeps in memory. */
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
