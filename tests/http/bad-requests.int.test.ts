import { once } from "node:events";
import { connect, type Server } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { fingerprint } from "../support/fingerprint.ts";
import { putOnSale } from "../support/ordering.ts";
import { internals, refusalIn, refusalOf } from "../support/http/error-expectations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { timesAsLong } from "../support/times-as-long.ts";

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

describe.each(["/graphql", "/query"])("POST %s is BAD_REQUEST", (path) => {
  test.each([
    ["nothing", ""],
    ["half of JSON", '{"query":'],
    ["a list", "[]"],
    ["a batch", `[{"query":"${query}"}]`],
    ["null", "null"],
    ["a text", '"query"'],
    ["no query", "{}"],
    ["a query that is null", '{"query":null}'],
    ["a query that is a number", '{"query":1}'],
    ["variables that are a list", `{"query":"${query}","variables":[]}`],
    ["variables that are a text", `{"query":"${query}","variables":"x"}`],
    ["the name of no operation", `{"query":"${query}","operationName":"Other"}`],
    [
      "two operations, and the name of none",
      '{"query":"query A { products { id } } query B { products { id } }"}',
    ],
    ["an operation's name that is a number", `{"query":"${query}","operationName":1}`],
  ])("with %s", async (_what, body) => {
    expect((await refusalIn(await post(body, json, path))).code).toBe("BAD_REQUEST");
  });

  test.each([
    [415, "no content type of JSON", { "content-type": "text/plain" }],
    [415, "a form", { "content-type": "application/x-www-form-urlencoded" }],
    [415, "another character set", { "content-type": "application/json; charset=latin1" }],
    [406, "no way to answer in JSON", { ...json, accept: "text/html" }],
  ])("and %i with %s", async (status, _what, headers) => {
    const response = await post(JSON.stringify({ query }), headers, path);
    expect(response.status).toBe(status);
    expect((await refusalIn(response)).code).toBe("BAD_REQUEST");
  });

  test.each(["PUT", "PATCH", "DELETE"])("and 405 as %s", async (method) => {
    const response = await fetch(`${shop.url}${path}`, { method, headers: json });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, POST");
    expect((await refusalIn(response)).code).toBe("BAD_REQUEST");
  });
});

describe("GET /graphql is BAD_REQUEST", () => {
  test.each(["", "?", "?query", "?quer=x", "?query={products{id}}&variables={", "?variables=[]"])(
    "as “%s”",
    async (search) => {
      const response = await fetch(`${shop.url}/graphql${search}`);
      const { code } = await refusalIn(response);
      expect(["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"]).toContain(code);
    },
  );
});

test.each([
  ["GRAPHQL_PARSE_FAILED", "nothing", ""],
  ["GRAPHQL_PARSE_FAILED", "an open brace", "{ products {"],
  ["GRAPHQL_PARSE_FAILED", "prose", "Give me all users, please"],
  ["GRAPHQL_PARSE_FAILED", "an open text", '{ product(id: "'],
  ["GRAPHQL_PARSE_FAILED", "a NUL", "{ products { id\u0000 } }"],
  ["GRAPHQL_VALIDATION_FAILED", "a field that nobody knows", "{ products { colour } }"],
  ["GRAPHQL_VALIDATION_FAILED", "an operation that nobody knows", "{ customers { id } }"],
  ["GRAPHQL_VALIDATION_FAILED", "an argument that nobody knows", "{ products(first: 1) { id } }"],
  ["GRAPHQL_VALIDATION_FAILED", "a missing argument", "{ product { id } }"],
  [
    "GRAPHQL_VALIDATION_FAILED",
    "a number too large for Int",
    "{ products(limit: 9999999999) { id } }",
  ],
  ["GRAPHQL_VALIDATION_FAILED", "a text for an Int", '{ products(limit: "1") { id } }'],
  ["GRAPHQL_VALIDATION_FAILED", "no fields of an object", "{ products }"],
  [
    "GRAPHQL_VALIDATION_FAILED",
    "fragments in a circle",
    "{ products { ...A } } fragment A on Product { ...A }",
  ],
  ["GRAPHQL_VALIDATION_FAILED", "a variable that is not declared", "{ product(id: $id) { id } }"],
  [
    "QUERY_TOO_COMPLEX",
    "the same fields over and over",
    `{ ${query.slice(2, -2).repeat(10_000)} }`,
  ],
])("a document is %s with %s", async (code, _what, document) => {
  expect((await refusalOf(shop.url, document, {})).code).toBe(code);
});

test("a body over the limit is QUERY_TOO_COMPLEX, and names the limit", async () => {
  const body = JSON.stringify({ query, variables: { text: "x".repeat(1_048_576) } });
  const response = await post(body);
  expect(response.status).toBe(413);
  expect(await refusalIn(response)).toEqual({ code: "QUERY_TOO_COMPLEX", limit: 1_048_576 });
});

test("a body over the limit that does not say its length is refused as well", async () => {
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
  // The connection is closed while the client still writes: not each client reads the answer then.
  if (response) expect((await refusalIn(response)).code).toBe("QUERY_TOO_COMPLEX");
});

test("an email that takes a careless pattern minutes is refused in a moment", async () => {
  const register = async (email: string) => {
    const input = { email, username: "x", password: "correct horse", type: 0 };
    const document = "mutation ($input: NewUser!) { registerUser(input: $input) { id } }";
    expect((await refusalOf(shop.url, document, { input })).code).toBe("BAD_USER_INPUT");
  };
  const times = await timesAsLong(
    () => register(`a@${".".repeat(60_000)}@`),
    () => register("a".repeat(60_003)),
  );
  expect(times).toBeLessThan(20);
});

test("a client that leaves in the middle of its request does no harm", async () => {
  const { server } = shop.broker.getLocalService("api") as unknown as { server: Server };
  const connections = promisify(server.getConnections.bind(server));
  const open = await connections();
  const head = "POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n";
  for (let n = 0; n < 5; n += 1) {
    const socket = connect(Number(new URL(shop.url).port), "127.0.0.1");
    socket.write(`${head}content-length: 1000\r\nexpect: 100-continue\r\n\r\n`);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1.1 100/);
    socket.destroy();
  }
  await eventually("the server notices", async () => (await connections()) <= open);
  expect((await shop.graphql(query)).status).toBe(200);
});

test("bytes that are no HTTP get an answer that tells nothing, or none", async () => {
  const port = Number(new URL(shop.url).port);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("close", () => {
      resolve(text);
    });
    socket.end("\u0000\u0001 nonsense\r\n\r\n");
  });
  expect(answer).toMatch(/^(HTTP\/1.1 400|$)/);
  expect(answer).not.toMatch(internals);
});

test("after all this no database has changed, and the shop is open", async () => {
  expect(await fingerprint(shop.databases)).toEqual(before);
  const { data } = await shop.graphql(query);
  expect(data?.products).toHaveLength(1);
});
