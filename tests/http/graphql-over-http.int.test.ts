import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { serverAudits } from "graphql-http";
import { startTestShop, type TestShop } from "../support/shop.ts";

/**
 * Production tells nothing of its types: where an audit sends variables to ask for one, it asks for
 * a product here, of the same name and under the same conditions.
 */
function askingNoTypes(address: string, init: RequestInit = {}): Promise<Response> {
  const url = new URL(address);
  const query = url.searchParams.get("query");
  if (query !== null) url.searchParams.set("query", withoutTypes(query));
  if (typeof init.body !== "string") return fetch(url, init);
  return fetch(url, { ...init, body: withoutTypes(init.body) });
}

function withoutTypes(request: string): string {
  return request
    .replace("$name: String!", "$name: ID!")
    .replace("__type(name: $name) { name }", "product(id: $name) @skip(if: true) { name }");
}

describe.each([
  { where: "on a developer's machine", path: "/graphql", env: {}, fetchFn: fetch },
  {
    where: "in production, at the original's path",
    path: "/query",
    env: { NODE_ENV: "production" },
    fetchFn: askingNoTypes,
  },
])("GraphQL over HTTP $where", ({ path, env, fetchFn }) => {
  let shop: TestShop;

  beforeAll(async () => {
    shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0", ...env });
  });
  afterAll(() => shop.stop());

  // What a server MAY do by the specification is held to here as well.
  const audits = serverAudits({ url: () => `${shop.url}${path}`, fetchFn });

  test("is audited as a whole", () => {
    expect(audits.length).toBeGreaterThan(55);
  });

  test.each(audits.map(({ id, name, fn }) => [id, name, fn] as const))(
    "%s: %s",
    async (_id, _name, audit) => {
      const result = await audit();
      const reason = result.status === "ok" ? undefined : result.reason;
      expect({ status: result.status, reason }).toEqual({ status: "ok" });
    },
  );
});
