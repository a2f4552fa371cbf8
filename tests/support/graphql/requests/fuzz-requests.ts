import { createHash } from "node:crypto";
import fc from "fast-check";
import type { GraphQLSchema } from "graphql";
import { malformedOperations, nearlyValid, oddBodies, type OddBody } from "./broken-documents.ts";
import { validOperations, type Operation } from "./graphql-arbitraries.ts";
import type { Plausible } from "./graphql-values.ts";
import type { HttpRequest } from "../../http/keep-alive-client.ts";

type Sender = "anonymous" | "customer" | "admin" | "forger";

/** A random request. */
export interface FuzzRequest {
  sender: Sender;
  /** An operation, or a body that is no operation. */
  payload: Operation | OddBody;
  byGet: boolean;
  path: "/graphql" | "/query";
  key: string | undefined;
  /** The hash in the persistedQuery extension; "alone" is sent without the document. */
  hash: "none" | "right" | "wrong" | "alone";
  forgery: string;
}

/** Generates requests of all kinds from the schema and plausible values. */
export function fuzzRequests(
  schema: GraphQLSchema,
  plausible: Plausible,
): fc.Arbitrary<FuzzRequest> {
  const valid = validOperations(schema, plausible);
  return fc.record({
    sender: fc.constantFrom<Sender[]>(
      "anonymous",
      "customer",
      "customer",
      "admin",
      "admin",
      "admin",
      "forger",
    ),
    payload: fc.oneof(
      { weight: 14, arbitrary: valid },
      { weight: 5, arbitrary: nearlyValid(valid) },
      { weight: 2, arbitrary: malformedOperations },
      { weight: 2, arbitrary: oddBodies },
    ),
    byGet: seldom(1),
    path: fc.constantFrom("/graphql", "/query"),
    key: fc.option(fc.constantFrom(...keys), { nil: undefined, freq: 2 }),
    hash: fc.constantFrom<FuzzRequest["hash"][]>(
      ...Array<"none">(30).fill("none"),
      "right",
      "wrong",
      "alone",
    ),
    forgery: fc.oneof(fc.constantFrom(...forgeries), fc.base64String()),
  });
}

const keys = ["1", "2", "3", "4", "a,b", "~", "x".repeat(255), "x".repeat(256), "", "é"];

function seldom(oneIn: number): fc.Arbitrary<boolean> {
  return fc.constantFrom(true, ...Array<false>(oneIn * 5).fill(false));
}

const header = (fields: object) => Buffer.from(JSON.stringify(fields)).toString("base64url");
const claims = header({ sub: "01900000-0000-7000-8000-000000000000", type: 1, exp: 4_102_444_800 });

/** Tokens without a valid signature. */
const forgeries = [
  "x",
  "Bearer",
  "Bearer ",
  "Bearer x.y.z",
  "Basic YTpi",
  "a".repeat(4_000),
  "..",
  "null",
  `${header({ alg: "none" })}.${claims}.`,
  `${header({ alg: "none", kid: "__proto__" })}.${claims}.`,
  `${header({ alg: "HS256", kid: "../../dev/null" })}.${claims}.AAAA`,
  `${header({ alg: "ES256", kid: 7 })}.${claims}.AAAA`,
  `${header({ alg: "ES256" })}.e30.AAAA`,
  `${Buffer.from("[[[").toString("base64url")}.${claims}.AAAA`,
];

/** The HTTP parser rejects longer URLs with a response that is not JSON. */
const maxUrlLength = 8_000;

/** Returns the HTTP request of a random request, with the token of its sender. */
export function requestOf(
  request: FuzzRequest,
  tokens: Record<"customer" | "admin", string>,
): HttpRequest {
  const { sender, payload, path, key, forgery } = request;
  const token = { ...tokens, anonymous: undefined, forger: forgery }[sender];
  const headers = {
    ...(token !== undefined && { authorization: token }),
    ...(key !== undefined && { "idempotency-key": key }),
  };
  const json = { ...headers, "content-type": "application/json" };
  if ("body" in payload) return { path, headers: json, body: payload.body };

  const parameters = { ...payload, ...persisted(request.hash, payload.query) };
  const search = new URLSearchParams(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, string] => {
        return [name, typeof value === "string" ? value : JSON.stringify(value)];
      }),
  ).toString();
  if (request.byGet && search.length < maxUrlLength) {
    return { method: "GET", path: `${path}?${search}`, headers };
  }
  return { path, headers: json, body: JSON.stringify(parameters) };
}

function persisted(
  hash: FuzzRequest["hash"],
  query: string,
): { query?: string | undefined; extensions?: object } {
  if (hash === "none") return {};
  const correct = createHash("sha256").update(query).digest("hex");
  const sha256Hash = hash === "wrong" ? correct.replace(/^./, "x") : correct;
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  return hash === "alone" ? { query: undefined, extensions } : { extensions };
}
