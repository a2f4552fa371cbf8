import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "graphql";
import {
  isShopError,
  LoginDocument,
  MeDocument,
  PlaceOrderDocument,
  ProductDocument,
  ProductsDocument,
  ShopClient,
  ShopError,
  type ShopErrorCode,
  type TypedDocument,
} from "../../clients/typescript/src/index.ts";
import { keyedMutations } from "../../clients/typescript/src/generated/keyed-mutations.ts";
import { delayOf } from "../../clients/typescript/src/retries.ts";
import { projectDir } from "../../tools/support/processes.ts";
import {
  disconnect,
  failure,
  fakeShop,
  type ReceivedRequest,
} from "../support/client/fake-shop.ts";

const retry = { attempts: 4, baseMs: 1 };
const ordered = { data: { placeOrder: { id: "o1" } } };
const product = { data: { product: { id: "p1", name: "Mug" } } };
const input = { order_products: [{ product_id: "p1", quantity: 1 }] };
const keysOf = (requests: ReceivedRequest[]) =>
  requests.map(({ headers }) => headers["idempotency-key"]);

async function errorOf(work: Promise<unknown>): Promise<ShopError> {
  const error = await work.then(() => undefined).catch((reason: unknown) => reason);
  if (!isShopError(error)) throw new Error("There is no ShopError.", { cause: error });
  return error;
}

describe("an error", () => {
  test("has the code, details, path and data of the answer", async () => {
    const fields = [{ field: "id", message: "'id' must be a UUID." }];
    const extensions = { code: "BAD_USER_INPUT", fields };
    const errors = [{ message: "'id' must be a UUID.", path: ["product"], extensions }];
    const shop = fakeShop({ errors, data: null });
    const error = await errorOf(new ShopClient(shop).execute(ProductDocument, { id: "p1" }));
    expect(error).toMatchObject({ code: "BAD_USER_INPUT", message: "'id' must be a UUID." });
    expect(error).toMatchObject({ path: ["product"], data: undefined, errors, fields });
  });

  test("of a partial answer has its data", async () => {
    const shop = fakeShop({
      data: { me: null },
      ...failure("INTERNAL_SERVER_ERROR", { traceId: "t1" }),
    });
    const error = await errorOf(new ShopClient(shop).execute(MeDocument));
    expect(error).toMatchObject({ data: { me: null }, traceId: "t1", fields: [] });
  });

  test("has typed details after a check of its code", async () => {
    const shop = fakeShop(failure("OUT_OF_STOCK", { product_id: "p1", asked: 2, left: 1 }));
    const error: unknown = await errorOf(
      new ShopClient(shop).execute(PlaceOrderDocument, { input }),
    );
    if (!isShopError(error, "OUT_OF_STOCK")) throw error;
    expect(error.details.left + 1).toBe(2);
    expect(isShopError(error, "FORBIDDEN")).toBe(false);
  });

  test.each<[Response, ShopErrorCode, number | undefined]>([
    [new Response("<h1>Bad gateway</h1>", { status: 502 }), "SERVICE_UNAVAILABLE", undefined],
    [new Response("", { status: 429, headers: { "retry-after": "7" } }), "TOO_MANY_REQUESTS", 7],
    [new Response("<h1>Welcome</h1>", { status: 200 }), "INVALID_RESPONSE", undefined],
    [Response.json({ ok: true }), "INVALID_RESPONSE", undefined],
    [Response.json({ data: null }), "INVALID_RESPONSE", undefined],
    [
      Response.json(failure("SERVICE_UNAVAILABLE"), { headers: { "retry-after": "3" } }),
      "SERVICE_UNAVAILABLE",
      3,
    ],
  ])(
    "describes the answer of a proxy or an overloaded gateway: %#",
    async (response, code, seconds) => {
      const shop = fakeShop(() => response);
      const client = new ShopClient({ ...shop, retry: { attempts: 1 } });
      const error = await errorOf(client.execute(MeDocument));
      expect([error.code, error.retryAfter]).toEqual([code, seconds]);
    },
  );

  test("tells a timeout from a lost connection", async () => {
    const silence = (_request: unknown, signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      });
    const client = new ShopClient({ ...fakeShop(silence, disconnect), retry: { attempts: 1 } });
    expect(await errorOf(client.execute(MeDocument, {}, { timeoutMs: 1 }))).toMatchObject({
      code: "TIMEOUT",
    });
    expect(await errorOf(client.execute(MeDocument))).toMatchObject({
      code: "NETWORK_ERROR",
      cause: new TypeError("fetch failed"),
    });
  });
});

describe("a request that fails temporarily", () => {
  const unavailable = () => new Response("", { status: 503, headers: { "retry-after": "0" } });

  test("is repeated if it is a query", async () => {
    const limited = failure("TOO_MANY_REQUESTS", { retryAfter: 0 });
    const shop = fakeShop(disconnect, unavailable, limited, product);
    const client = new ShopClient({ ...shop, retry });
    expect(await client.execute(ProductDocument, { id: "p1" })).toEqual(product.data);
    expect(keysOf(shop.requests)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("is repeated with the same key if it is a mutation, and each mutation has another key", async () => {
    const inProgress = failure("IDEMPOTENCY_IN_PROGRESS");
    const shop = fakeShop(disconnect, inProgress, ordered, ordered, ordered);
    const client = new ShopClient({ ...shop, retry });
    expect(await client.execute(PlaceOrderDocument, { input })).toEqual(ordered.data);
    await client.execute(PlaceOrderDocument, { input });
    await client.execute(PlaceOrderDocument, { input }, { idempotencyKey: "k1" });
    const [first, ...others] = keysOf(shop.requests);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(others).toEqual([first, first, expect.not.stringMatching(first ?? ""), "k1"]);
  });

  test.each([
    ["a login", LoginDocument],
    ["a mutation of a service outside the shop", parse("mutation { addReview { id } }")],
    [
      "several mutations with such a one",
      parse("mutation { cancelOrder { id } addReview { id } }"),
    ],
    ["a mutation behind a fragment", parse("mutation { ...on Mutation { addReview { id } } }")],
  ])("is not repeated if it is %s", async (_name, document) => {
    const shop = fakeShop(disconnect);
    const client = new ShopClient({ ...shop, retry });
    const typed = document as TypedDocument<unknown, object>;
    expect(await errorOf(client.execute(typed))).toMatchObject({ code: "NETWORK_ERROR" });
    expect(shop.requests).toHaveLength(1);
  });

  test("fails with the last error after the last attempt", async () => {
    const shop = fakeShop(disconnect, disconnect, disconnect, unavailable);
    const client = new ShopClient({ ...shop, retry });
    expect(await errorOf(client.execute(MeDocument))).toMatchObject({
      code: "SERVICE_UNAVAILABLE",
    });
  });

  test("ends with the reason of its signal", async () => {
    const abort = new AbortController();
    const reason = new Error("The page was left.");
    const shop = fakeShop(() => {
      abort.abort(reason);
      disconnect();
    });
    const client = new ShopClient({ ...shop, retry: { attempts: 1 } });
    const { signal } = abort;
    await expect(client.execute(MeDocument, {}, { signal })).rejects.toBe(reason);
    const waiting = new AbortController();
    const other = new ShopClient({ ...fakeShop(disconnect), retry: { baseMs: 600_000 } });
    const request = other.execute(MeDocument, {}, { signal: waiting.signal });
    setImmediate(() => {
      waiting.abort(reason);
    });
    await expect(request).rejects.toBe(reason);
  });
});

test("other errors are not repeated", async () => {
  const shop = fakeShop(failure("INTERNAL_SERVER_ERROR"));
  await errorOf(new ShopClient({ ...shop, retry }).execute(MeDocument));
  expect(shop.requests).toHaveLength(1);
});

test.each([
  ["doubles", "NETWORK_ERROR", 3, undefined, 200],
  ["has a maximum", "NETWORK_ERROR", 9, undefined, 2_500],
  ["follows retryAfter", "TOO_MANY_REQUESTS", 1, 4, 4_050],
  ["does not exist if retryAfter is above the maximum", "TOO_MANY_REQUESTS", 1, 6, undefined],
  ["does not exist after the last attempt", "NETWORK_ERROR", 10, undefined, undefined],
] as const)("the delay %s", (_rule, code, failures, retryAfter, expected) => {
  const details = retryAfter === undefined ? {} : { retryAfter };
  const error = new ShopError(code, "It failed.", { details });
  const policy = { attempts: 10, baseMs: 100, maxMs: 5_000 };
  expect(delayOf(error, failures, policy, () => 0.5)).toBe(expected);
});

test("the rows of a connection are read page by page", async () => {
  const page = (ids: string[], hasNextPage: boolean) => ({
    data: {
      productsConnection: {
        nodes: ids.map((id) => ({ id })),
        pageInfo: { hasNextPage, endCursor: ids.at(-1) ?? null },
      },
    },
  });
  const shop = fakeShop(page(["a", "b"], true), page(["c"], false));
  const variables = { first: 2, search: "mug" };
  const ids: string[] = [];
  const products = new ShopClient(shop).nodes(
    ProductsDocument,
    variables,
    ({ productsConnection }) => productsConnection,
  );
  for await (const { id } of products) {
    ids.push(id);
    expect(shop.requests).toHaveLength(id === "c" ? 2 : 1);
  }
  expect(ids).toEqual(["a", "b", "c"]);
  expect(shop.requests.map((request) => request.variables)).toEqual([
    variables,
    { ...variables, after: "b" },
  ]);
});

test("the mutations that are repeated are those of docs/idempotency.md", () => {
  const page = readFileSync(join(projectDir, "docs", "idempotency.md"), "utf8");
  const rows = page.split("\n").filter((line) => /^\| .* \| one effect\b.*\|$/.test(line));
  const names = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect([...keyedMutations].sort()).toEqual([...new Set(names)].sort());
});

test("a document of another kind is rejected", async () => {
  const client = new ShopClient(fakeShop());
  const both = parse("query A { me { id } } query B { me { id } }") as typeof MeDocument;
  const subscription = parse("subscription { orderPlaced { id } }") as typeof MeDocument;
  await expect(client.execute(both)).rejects.toThrow(
    "The document has 2 operations instead of one.",
  );
  await expect(client.execute(subscription)).rejects.toThrow(TypeError);
  expect(() => client.subscribe(MeDocument)).toThrow("Send a query by execute().");
});
