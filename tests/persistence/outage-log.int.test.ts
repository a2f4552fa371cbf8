import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { startTestShop, type TestShop } from "../support/shop.ts";

const lines: string[] = [];
let shop: TestShop;

beforeAll(async () => {
  jest.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(line.toString());
    return true;
  });
  shop = await startTestShop({ LOG_LEVEL: "warn", LOG_FORMAT: "json" });
});
afterAll(async () => {
  await shop.stop();
  jest.restoreAllMocks();
});

/** Lets the database of `products` accept connections, or not. */
async function reachable(isReachable: boolean): Promise<void> {
  const name = new URL(shop.databases.urls.products).pathname.slice(1);
  await shop.databases.query(
    "orders",
    `ALTER DATABASE ${name} ALLOW_CONNECTIONS ${String(isReachable)}`,
  );
  const sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
  await shop.databases.query("orders", sql, [name]);
}

test("one line says why a database is unavailable, however many requests fail and are retried", async () => {
  // The end of the idle connections may write the line already.
  lines.length = 0;
  await reachable(false);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => shop.graphql("query { products(limit: 1) { id } }")),
  );
  const written = lines.map((line) => JSON.parse(line) as { msg: string });
  await reachable(true);
  for (const { errors } of answers) {
    expect(errors).toMatchObject([{ extensions: { code: "SERVICE_UNAVAILABLE" } }]);
  }
  expect(written.filter(({ msg }) => msg.startsWith("The database"))).toMatchObject([
    {
      level: "warn",
      service: "products",
      msg: "The database of products is unavailable.",
      err: { message: expect.stringMatching(/not currently accepting connections|terminat/) },
    },
  ]);
  expect(written.filter(({ msg }) => msg.includes("Retry"))).toEqual([]);
});
