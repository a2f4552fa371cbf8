import { once } from "node:events";
import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { buildSchema, isObjectType } from "graphql";
import type { Context } from "moleculer";
import { WebSocket } from "ws";
import { contracts, domainServices } from "../../services/registry.ts";
import { inputDocuments, unknownId } from "../support/graphql/mutations.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
/** All calls of actions, of any caller. */
let calls: Context[] = [];
/** The names of all actions. */
let actions: string[] = [];

beforeAll(async () => {
  shop = await startTestShop();
  await putOnSale(shop, 5);
  const { nodeID, registry } = shop.broker;
  actions = registry.getActionList({}).map(({ name }) => name);
  for (const name of actions) {
    const { action } = registry.getActionEndpointByNodeId(name, nodeID);
    const handler = action.handler as (ctx: Context) => Promise<unknown>;
    action.handler = (ctx: Context) => {
      calls.push(ctx);
      return handler(ctx);
    };
  }
});
beforeEach(() => {
  calls = [];
});
afterAll(() => shop.stop());

/** Returns the calls that requests caused, without those of background work. */
function callsOfTheGateway(): Context[] {
  return calls.filter(({ caller, level }) => caller === "api" && level > 1);
}

/** Sends a request with the literal path, which `fetch` would normalize. */
function send(
  path: string,
  { method = "GET", headers = {}, body = "" }: Partial<SentRequest> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(shop.url);
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

interface SentRequest {
  method: string;
  headers: Record<string, string>;
  body: string;
}

const json = { "content-type": "application/json" };
const admin = { kind: "user", id: unknownId, type: 1 };
const query = "{ products { id } }";

describe("an action gets only the viewer, address and parameters from the gateway", () => {
  /** Values with which an attacker who knows Moleculer could try to override a call's context. */
  const forged = {
    viewer: admin,
    caller: "orders",
    address: "::1",
    idempotencyKey: "forged",
    requestID: "forged",
    nodeID: "other",
    parentCtx: {},
    level: 99,
    timeout: 1,
    $statusCode: 201,
    $location: "https://evil.example",
    $responseHeaders: { "x-evil": "1" },
  };
  const everything = {
    ...forged,
    meta: forged,
    $meta: forged,
    ctx: { meta: forged },
    opts: forged,
  };
  const inQuery = new URLSearchParams();
  for (const prefix of [[], ["meta"], ["$meta"], ["ctx", "meta"], ["__proto__", "meta"]]) {
    for (const path of [["viewer", "kind"], ["viewer", "type"], ["caller"], ["idempotencyKey"]]) {
      const [first = "", ...inner] = [...prefix, ...path];
      inQuery.append(`${first}${inner.map((part) => `[${part}]`).join("")}`, "1");
    }
  }
  const asHeaders = Object.fromEntries(
    ["viewer", "caller", "address", "meta", "ctx", "$meta", "x-meta", "x-viewer", "moleculer-meta"]
      .flatMap((name) => [name, `x-moleculer-${name}`])
      .map((name) => [name, JSON.stringify(forged)]),
  );

  const forwarded = {
    forwarded: "for=192.0.2.1",
    "x-real-ip": "192.0.2.1",
    "x-forwarded-for": "192.0.2.1",
    "x-client-ip": "192.0.2.1",
  };

  test.each<[string, string, Partial<SentRequest>]>([
    [
      "headers",
      "/graphql",
      { headers: { ...json, ...asHeaders, ...forwarded }, body: JSON.stringify({ query }) },
    ],
    [
      "headers that name the request",
      "/graphql",
      {
        headers: {
          ...json,
          "x-request-id": JSON.stringify(forged),
          "x-correlation-id": '","meta":{"viewer":{"type":1}},"a":"',
          traceparent: "00-__proto__-viewer-01",
          tracestate: "viewer=admin",
          baggage: "viewer=admin,caller=orders",
        },
        body: JSON.stringify({ query }),
      },
    ],
    [
      "the query",
      `/graphql?${inQuery.toString()}`,
      { headers: json, body: JSON.stringify({ query }) },
    ],
    [
      "the query of a GET",
      `/graphql?query=${encodeURIComponent(query)}&${inQuery.toString()}`,
      { method: "GET" },
    ],
    [
      "the body",
      "/graphql",
      { headers: json, body: JSON.stringify({ query, ...everything, extensions: everything }) },
    ],
    [
      "variables",
      "/graphql",
      { headers: json, body: JSON.stringify({ query, variables: everything }) },
    ],
  ])("despite forged values in %s", async (_where, path, sent) => {
    const { status, text } = await send(path, { method: "POST", ...sent });
    expect({ status, text }).toEqual({ status: 200, text: expect.stringMatching(/^{"data":/) });
    const [call, ...others] = callsOfTheGateway();
    expect(others).toEqual([]);
    expect(call).toMatchObject({ caller: "api", headers: {}, level: 2 });
    expect(call?.meta).toEqual({ viewer: { kind: "anonymous" }, address: "127.0.0.1" });
    expect(call?.options).not.toMatchObject({ nodeID: "other" });
    expect(call?.params).toEqual({ limit: 100, offset: 0 });
  });

  test("despite forged values in the messages of a WebSocket", async () => {
    const headers = { ...asHeaders, ...forwarded, "idempotency-key": "mine" };
    const url = `${shop.url.replace("http", "ws")}/graphql?${inQuery.toString()}`;
    const socket = new WebSocket(url, "graphql-transport-ws", { headers });
    await once(socket, "open");
    const sendMessage = (message: object) => {
      socket.send(JSON.stringify({ ...everything, ...message }));
      return once(socket, "message");
    };
    await sendMessage({ type: "connection_init", payload: everything });
    const payload = { ...everything, query, extensions: everything, variables: everything };
    await sendMessage({ type: "subscribe", id: "1", payload });
    socket.close();
    const [call] = callsOfTheGateway();
    expect(call).toMatchObject({ caller: "api", headers: {}, params: { limit: 100, offset: 0 } });
    expect(call?.meta).toEqual({ viewer: { kind: "anonymous" }, address: "127.0.0.1" });
  });

  test("and the idempotency key if the request is a mutation, and the user agent of a login", async () => {
    const body = JSON.stringify({
      query: inputDocuments.login,
      variables: { input: { email: "a@example.com", password: "x" }, ...everything },
      ...everything,
    });
    await send("/graphql", {
      method: "POST",
      headers: { ...json, "idempotency-key": "mine", "user-agent": " A\tbrowser " },
      body,
    });
    const [call] = callsOfTheGateway();
    expect(call?.meta).toEqual({
      viewer: { kind: "anonymous" },
      address: "127.0.0.1",
      userAgent: "A browser",
      idempotencyKey: "mine",
    });
    expect(call?.params).toEqual({ email: "a@example.com", password: "x" });
  });
});

describe("prototypes are not polluted", () => {
  const poison = '{"polluted":1,"viewer":{"kind":"user","type":1}}';
  const poisoned = `"__proto__":${poison},"constructor":{"prototype":${poison}}`;
  const { login } = inputDocuments;

  test.each([
    ["the body", `{${poisoned},"query":"${query}","extensions":{${poisoned}}}`],
    ["the variables", `{"query":"${query}","variables":{${poisoned}}}`],
    [
      "an input",
      `{"query":"${login}","variables":{"input":{"email":"a","password":"b",${poisoned}}}}`,
    ],
    [
      "a variable named __proto__",
      `{"query":"${login.replaceAll("$input", "$__proto__")}","variables":{"__proto__":{"email":"a","password":"b"}}}`,
    ],
    ["aliases in the document", '{"query":"{ __proto__: products { constructor: id } }"}'],
    ["the operation name", `{"query":"query __proto__ ${query}","operationName":"__proto__"}`],
  ])("by %s", async (_where, body) => {
    const path = "/graphql?__proto__[polluted]=1&constructor[prototype][polluted]=1";
    const { status } = await send(path, { method: "POST", headers: json, body });
    expect(status).toBe(200);
    for (const prototype of [Object.prototype, Array.prototype, Function.prototype]) {
      const keys = [];
      for (const key in prototype) keys.push(key);
      expect(keys).toEqual([]);
    }
    for (const { meta, params } of callsOfTheGateway()) {
      expect(meta).toEqual({ viewer: { kind: "anonymous" }, address: "127.0.0.1" });
      expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
    }
  });
});

test("no field argument has the name of its join's key parameter", async () => {
  const sdl = await (await fetch(`${shop.url}/schema.graphql`)).text();
  const schema = buildSchema(sdl);
  const joins = contracts.flatMap(({ graphql }) =>
    Object.entries(graphql?.resolvers ?? {}).flatMap(([type, fields]) =>
      Object.entries(fields).map(([field, { rootParams }]) => ({ type, field, rootParams })),
    ),
  );
  expect(joins.length).toBeGreaterThan(5);
  for (const { type: name, field, rootParams } of joins) {
    const type = schema.getType(name);
    const args = isObjectType(type) ? type.getFields()[field]?.args : undefined;
    // moleculer-apollo-server would let the argument override the key.
    for (const key of Object.values(rootParams)) {
      expect(args?.map((arg) => arg.name)).not.toContain(key);
    }
  }
});

describe("no path reaches an action", () => {
  /** Returns paths that contain the name of an action in different notations. */
  function pathsTo(name: string): string[] {
    const [service = "", action = ""] = name.split(".");
    const inPath = `${service}/${action}`;
    const encoded = `%${service.charCodeAt(0).toString(16)}${service.slice(1)}`;
    return [
      `/${name}`,
      `/${inPath}`,
      `//${inPath}`,
      `/./${inPath}`,
      `/graphql/../${inPath}`,
      `/graphql/${inPath}`,
      `/graphql/${name}`,
      `/query/${inPath}`,
      `/api/${inPath}`,
      `/${encoded}/${action}`,
      `/${service}%2F${action}`,
      `/${service}%2e${action}`,
      `/~${service.replace(/^\$/, "")}/${action}`,
      `/${service}//${action}/`,
      `/;/${inPath}`,
      `/?action=${name}`,
      `/${service}\\${action}`,
      `http://shop.example/${inPath}`,
    ];
  }

  test.each(["GET", "POST", "OPTIONS"])("with the method %s", async (method) => {
    expect(actions).toEqual(expect.arrayContaining(["$node.list", "users.list", "orders.settle"]));
    const headers = {
      ...json,
      "x-http-method-override": "POST",
      "x-http-method": "POST",
      "access-control-request-method": "GET",
    };
    const body = method === "POST" ? JSON.stringify({ query, _method: "GET" }) : "";
    for (const name of actions) {
      const responses = await Promise.all(
        pathsTo(name).map(async (path) => ({
          path,
          ...(await send(path, { method, headers, body })),
        })),
      );
      for (const { path, status } of responses) {
        // The playground's page and CORS preflights have other statuses.
        if (path.startsWith("/?") || method === "OPTIONS") continue;
        expect({ path, status }).toEqual({ path, status: 404 });
      }
    }
    expect(callsOfTheGateway().map(({ action }) => action?.name)).toEqual([]);
  });

  test("since the gateway has no actions", () => {
    expect(actions.filter((name) => name.startsWith("api."))).toEqual([]);
    for (const service of domainServices) {
      expect(actions).toContainEqual(expect.stringMatching(`^${service}\\.`));
    }
  });
});
