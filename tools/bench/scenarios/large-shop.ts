import { mkdtempSync, rmSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import type { LoadRequest } from "../load/load.ts";
import { sectionOf, type ShowPart } from "../measuring/parts.ts";
import type { LoadSide, Session } from "../measuring/session.ts";
import type { Measurement } from "../report/results.ts";
import { startShopProcess, type ShopProcess } from "../shop/shop-process.ts";
import { createAdmin, signUp, type Customer } from "../shop/stock-shop.ts";
import { writeHistory } from "./long-history.ts";
import { cursorOfDeepPage, pageOf } from "./product-pages.ts";
import { orderOf, readOf } from "./scenarios.ts";

const fewRows = 1_000;
const buyerCount = 20;
const inFlight = 64;
/** Products requested in one round. Each round takes other products, so that few are cached. */
const idsPerRound = 20_000;
const sampledIds = 10 * idsPerRound;
/** Data, their write-ahead log and the sort files of the indexes. */
const diskKbPerRow = 3.5;
/** A b-tree of more rows has one level more. */
const targetOf = (rows: number) => ({ atMost: rows > 1_000_000 ? 1.35 : 1.2 });

/** The requests that both shops are measured with. */
const kinds = ["product by id", "first page", "thousandth page", "placeOrder"] as const;
type Kind = (typeof kinds)[number];

/** In a run of the default duration. */
export const largeShopSeconds = { rounds: 40, whole: 110 };

/** Returns the measurements of a shop with this number of products and of orders. */
export function largeShopMeasurements(rows: number): Measurement[] {
  const group = `p50 with ${rows.toLocaleString("en")} rows / with ${fewRows.toLocaleString("en")}`;
  return [
    ...kinds.map((name) => ({
      group,
      name,
      inFlight,
      unit: "ratio" as const,
      target: targetOf(rows),
    })),
    { group, name: "filling the two shops", unit: "s" },
  ];
}

/** A shop filled with many or few rows. */
interface FilledShop {
  shop: ShopProcess;
  sideOf: (kind: Kind, round: number) => LoadSide;
  stop(): Promise<void>;
}

/**
 * Compares the latencies of a shop with `rows` products and as many orders with those of a shop with
 * a thousand of each. The shops alternate.
 */
export async function measureLargeShop(
  session: Session,
  rows: number,
  show: ShowPart,
): Promise<void> {
  show("filling two shops", 0);
  await assertDisk(rows);
  const measurements = largeShopMeasurements(rows);
  const startMs = performance.now();
  const [large, small] = await Promise.all([fill(rows), fill(fewRows)]);
  const filledSeconds = (performance.now() - startMs) / 1_000;
  try {
    for (const measurement of measurements.filter(({ unit }) => unit === "s")) {
      session.results.add(measurement, filledSeconds);
    }
    const tasks = kinds.map((kind) => ({
      measurements: measurements.filter(({ name }) => name === kind),
      async measure(round: number) {
        const sides = [large.sideOf(kind, round), small.sideOf(kind, round)] as const;
        // The small shop must not be measured with colder code than the large one, or the reverse.
        if (round === 0) await session.compile(sides);
        const both = await session.bothSides(round, ...sides);
        for (const measurement of measurements.filter(({ name }) => name === kind)) {
          session.results.addRatio(measurement, both, ({ p50Ms }) => p50Ms ?? Number.NaN);
        }
      },
    }));
    await session.repeat(tasks, largeShopSeconds.rounds, sectionOf(show, 0.6, 1));
  } finally {
    await Promise.all([small.stop(), large.stop()]);
  }
}

/** Throws if the disk is too small, before minutes of filling. */
async function assertDisk(rows: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const [freeGb, neededGb] = [(bavail * bsize) / 1e9, (rows * diskKbPerRow) / 1e6];
  if (freeGb < neededGb) {
    throw new Error(
      `${rows} rows need ${neededGb.toFixed(1)} GB in ${tmpdir()}, which has ${freeGb.toFixed(1)} GB`,
    );
  }
}

/** Starts a shop with `rows` products and `rows` orders, and audits its ledger. */
async function fill(rows: number): Promise<FilledShop> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const buyers = await createBuyers(dataDir);
  const postgres = await EmbeddedPostgres.start(dataDir);
  const urls = await postgres.createDatabases();
  await writeHistory(
    urls,
    rows,
    buyers.map(({ id }) => id),
  );
  await assertAudit(urls.products, rows);
  await postgres.stop();
  const shop = await startShopProcess(dataDir);
  const url = `http://127.0.0.1:${shop.port}`;
  // The small catalogue has no thousandth page; its first page is measured instead.
  const deepCursor = rows === fewRows ? null : await cursorOfDeepPage(url);
  const ids = await sampleIds(shop.databaseUrl("products"));
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
    sideOf: (kind, round) => ({ port: shop.port, requests: requestsOf(kind, round), inFlight }),
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

/**
 * Checks the rows, which were written without the services, as the action `products.audit` does. That
 * action has the timeout of a request, which many millions of rows exceed.
 */
async function assertAudit(url: string, rows: number): Promise<void> {
  const [found] = await queryOn<{ products: number; changes: number; differences: number }>(
    url,
    `SELECT count(*)::integer AS products, sum(l.changes)::integer AS changes,
            count(*) FILTER (WHERE p.stock <> coalesce(l.pieces, 0))::integer AS differences
     FROM products p
     LEFT JOIN (SELECT product_id, sum(change) AS pieces, count(*) AS changes
                FROM stock_changes GROUP BY 1) l ON l.product_id = p.id`,
  );
  if (found?.products !== rows || found.changes !== 2 * rows || found.differences > 0) {
    throw new Error(`the audit found differences: ${JSON.stringify(found)}`);
  }
}

/** Returns random product ids. */
async function sampleIds(url: string): Promise<string[]> {
  const sql = "SELECT id FROM products ORDER BY random() LIMIT $1";
  return (await queryOn<{ id: string }>(url, sql, [sampledIds])).map(({ id }) => id);
}

async function queryOn<Row extends object>(
  url: string,
  sql: string,
  bind: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, bind)).rows;
  } finally {
    await client.end();
  }
}
