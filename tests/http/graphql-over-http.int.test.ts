import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { serverAudits } from "graphql-http";
import { startTestShop, type TestShop } from "../support/shop.ts";

/**
 * A `fetch` for a shop without introspection. Replaces the `__type` query of the audits about
 * variables by a query for a product with the same variable.
 */
function fetchWithoutIntrospection(address: string, init: RequestInit = {}): Promise<Response> {
  const url = new URL(address);
  const query = url.searchParams.get("query");
  if (query !== null) url.searchParams.set("query", replaceTypeQuery(query));
  if (typeof init.body !== "string") return fetch(url, init);
  return fetch(url, { ...init, body: replaceTypeQuery(init.body) });
}

function replaceTypeQuery(request: string): string {
  return request
    .replace("$name: String!", "$name: ID!")
    .replace("__type(name: $name) { name }", "product(id: $name) @skip(if: true) { name }");
}

describe.each([
  { where: "with default settings at /graphql", path: "/graphql", env: {}, fetchFn: fetch },
  {
    where: "in production at /query",
    path: "/query",
    env: { NODE_ENV: "production" },
    fetchFn: fetchWithoutIntrospection,
  },
])("the GraphQL over HTTP specification $where", ({ path, env, fetchFn }) => {
  let shop: TestShop;

  beforeAll(async () => {
    shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0", ...env });
  });
  afterAll(() => shop.stop());

  // The optional behaviour of the specification (MAY) must pass as well.
  const audits = serverAudits({ url: () => `${shop.url}${path}`, fetchFn });

  test("is covered by all audits of the specification", () => {
    expect(audits.length).toBeGreaterThan(55);
  });

  test.each(audits.map(({ id, name, fn }) => [id, name, fn] as const))(
    "is met by audit %s: %s",
    async (_id, _name, audit) => {
      const result = await audit();
      const reason = result.status === "ok" ? undefined : result.reason;
      expect({ status: result.status, reason }).toEqual({ status: "ok" });
    },
  );
});
