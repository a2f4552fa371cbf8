import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { maxBodyValues } from "../../services/api/limits/request-limits.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { fingerprint } from "../support/consistency/fingerprint.ts";
import { putOnSale } from "../support/ordering.ts";
import { internals, clientErrorIn, clientErrorOf } from "../support/http/error-expectations.ts";
import { inputDocuments } from "../support/graphql/mutations.ts";
import { openConnections } from "../support/http/gateway-server.ts";
import { exchange } from "../support/http/raw-http.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";
import { timesAsLong } from "../support/timing/times-as-long.ts";

let shop: TestShop;
let before: Record<string, string>;

beforeAll(async () => {
  shop = await startTestShop();
  await putOnSale(shop, 5);
  before = await fingerprint(shop.databases);
});
afterAll(() => shop.stop());

const json = { "content-type": "application/json" };
const query = "{ products { id } }";

function post(body: string, headers: Record<string, string> = json, path = "/graphql") {
  return fetch(`${shop.url}${path}`, { method: "POST", headers, body });
}

describe.each(["/graphql", "/query"])("POST %s returns BAD_REQUEST", (path) => {
  test.each([
    ["an empty body", ""],
    ["truncated JSON", '{"query":'],
    ["a list", "[]"],
    ["a batch of queries", `[{"query":"${query}"}]`],
    ["null", "null"],
    ["a text", '"query"'],
    ["no query", "{}"],
    ["a query that is null", '{"query":null}'],
    ["a query that is a number", '{"query":1}'],
    ["variables that are a list", `{"query":"${query}","variables":[]}`],
    ["variables that are a text", `{"query":"${query}","variables":"x"}`],
    ["an unknown operationName", `{"query":"${query}","operationName":"Other"}`],
    [
      "two operations without an operationName",
      '{"query":"query A { products { id } } query B { products { id } }"}',
    ],
    ["an operationName that is a number", `{"query":"${query}","operationName":1}`],
  ])("for %s", async (_title, body) => {
    expect((await clientErrorIn(await post(body, json, path))).code).toBe("BAD_REQUEST");
  });

  test.each([
    [415, "a content type other than JSON", { "content-type": "text/plain" }],
    [415, "a form", { "content-type": "application/x-www-form-urlencoded" }],
    [415, "another character set", { "content-type": "application/json; charset=latin1" }],
    [406, "an Accept header without JSON", { ...json, accept: "text/html" }],
  ])("with status %i for %s", async (status, _title, headers) => {
    const response = await post(JSON.stringify({ query }), headers, path);
    expect(response.status).toBe(status);
    expect((await clientErrorIn(response)).code).toBe("BAD_REQUEST");
  });

  test("with the reason for a PUT, by which graphql-sse begins its single connection mode", async () => {
    const response = await fetch(`${shop.url}${path}`, { method: "PUT" });
    expect(await response.json()).toMatchObject({
      errors: [
        {
          message: "Send GET or POST. The single connection mode of graphql-sse is not supported.",
        },
      ],
    });
  });

  test.each(["PUT", "PATCH", "DELETE"])("with status 405 for the method %s", async (method) => {
    const response = await fetch(`${shop.url}${path}`, { method, headers: json });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, POST");
    expect((await clientErrorIn(response)).code).toBe("BAD_REQUEST");
  });
});

describe("GET /graphql returns an error", () => {
  test.each(["", "?", "?query", "?quer=x", "?query={products{id}}&variables={", "?variables=[]"])(
    "for the query string “%s”",
    async (search) => {
      const response = await fetch(`${shop.url}/graphql${search}`);
      const { code } = await clientErrorIn(response);
      expect(["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"]).toContain(code);
    },
  );
});

test.each([
  ["GRAPHQL_PARSE_FAILED", "an empty document", ""],
  ["GRAPHQL_PARSE_FAILED", "an unclosed brace", "{ products {"],
  ["GRAPHQL_PARSE_FAILED", "prose", "Give me all users, please"],
  ["GRAPHQL_PARSE_FAILED", "an unterminated string", '{ product(id: "'],
  ["GRAPHQL_PARSE_FAILED", "a NUL character", "{ products { id\u0000 } }"],
  ["GRAPHQL_VALIDATION_FAILED", "an unknown field", "{ products { colour } }"],
  ["GRAPHQL_VALIDATION_FAILED", "an unknown root field", "{ customers { id } }"],
  ["GRAPHQL_VALIDATION_FAILED", "an unknown argument", "{ products(first: 1) { id } }"],
  ["GRAPHQL_VALIDATION_FAILED", "a missing argument", "{ product { id } }"],
  [
    "GRAPHQL_VALIDATION_FAILED",
    "an integer above the range of Int",
    "{ products(limit: 9999999999) { id } }",
  ],
  ["GRAPHQL_VALIDATION_FAILED", "a string for an Int", '{ products(limit: "1") { id } }'],
  ["GRAPHQL_VALIDATION_FAILED", "an object without selected fields", "{ products }"],
  [
    "GRAPHQL_VALIDATION_FAILED",
    "a fragment cycle",
    "{ products { ...A } } fragment A on Product { ...A }",
  ],
  ["GRAPHQL_VALIDATION_FAILED", "an undeclared variable", "{ product(id: $id) { id } }"],
  ["QUERY_TOO_COMPLEX", "the same field 10,000 times", `{ ${query.slice(2, -2).repeat(10_000)} }`],
])("the gateway returns %s for %s", async (code, _title, document) => {
  expect((await clientErrorOf(shop.url, document, {})).code).toBe(code);
});

test("a body over the limit returns QUERY_TOO_COMPLEX with the limit", async () => {
  const body = JSON.stringify({ query, variables: { text: "x".repeat(1_048_576) } });
  const response = await post(body);
  expect(response.status).toBe(413);
  expect(await clientErrorIn(response)).toEqual({ code: "QUERY_TOO_COMPLEX", limit: 1_048_576 });
});

test("a body of more values than the limit returns QUERY_TOO_COMPLEX with the limit", async () => {
  const variables = { list: Array<number>(maxBodyValues).fill(0) };
  const response = await post(JSON.stringify({ query, variables }));
  expect(response.status).toBe(413);
  expect(await clientErrorIn(response)).toEqual({
    code: "QUERY_TOO_COMPLEX",
    limit: maxBodyValues,
  });
});

test("a chunked body over the limit returns QUERY_TOO_COMPLEX", async () => {
  const part = new TextEncoder().encode("x".repeat(65_536));
  let parts = 0;
  const body = new ReadableStream({
    pull(controller) {
      parts += 1;
      if (parts > 64) controller.close();
      else controller.enqueue(part);
    },
  });
  const init = { method: "POST", headers: json, body, duplex: "half" as const };
  const response = await fetch(`${shop.url}/graphql`, init).catch(() => undefined);
  // A client that still writes when the gateway closes the connection may miss the response.
  if (response) expect((await clientErrorIn(response)).code).toBe("QUERY_TOO_COMPLEX");
});

test("an email that makes a careless pattern backtrack is rejected in linear time", async () => {
  const register = async (email: string) => {
    const input = { email, username: "x", password, type: 0 };
    const error = await clientErrorOf(shop.url, inputDocuments.registerUser, { input });
    expect(error.code).toBe("BAD_USER_INPUT");
  };
  const times = await timesAsLong(
    () => register(`a@${".".repeat(60_000)}@`),
    () => register("a".repeat(60_003)),
  );
  expect(times).toBeLessThan(20);
});

test("the gateway survives a client that closes the connection before it sends the body", async () => {
  const before = await openConnections(shop);
  const head = "POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n";
  for (let n = 0; n < 5; n += 1) {
    const socket = connect(Number(new URL(shop.url).port), "127.0.0.1");
    socket.write(`${head}content-length: 1000\r\nexpect: 100-continue\r\n\r\n`);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1.1 100/);
    socket.destroy();
  }
  await eventually("the connections end", async () => (await openConnections(shop)) <= before);
  expect((await shop.graphql(query)).status).toBe(200);
});

test("bytes that are not HTTP get status 400 or no response", async () => {
  const received = await exchange(shop.url, "\u0000\u0001 nonsense\r\n\r\n");
  expect(received).toMatch(/^(HTTP\/1.1 400|$)/);
  expect(received).not.toMatch(internals);
});

test("the rejected requests above changed no database, and the shop still works", async () => {
  expect(await fingerprint(shop.databases)).toEqual(before);
  const { data } = await shop.graphql(query);
  expect(data?.products).toHaveLength(1);
});
