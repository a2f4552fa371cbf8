import { createHash } from "node:crypto";
import fc from "fast-check";
import type { GraphQLSchema } from "graphql";
import { brokenOperations, nearlyValid, oddBodies, type OddBody } from "./broken-documents.ts";
import { validOperations, type Operation } from "./graphql-arbitraries.ts";
import type { Plausible } from "./graphql-values.ts";
import type { HttpRequest } from "../http/keep-alive-client.ts";

type Sender = "stranger" | "customer" | "admin" | "forger";

/** One request of the fuzz. */
export interface FuzzRequest {
  sender: Sender;
  /** A document with its parameters, or a body that is none. */
  payload: Operation | OddBody;
  byGet: boolean;
  path: "/graphql" | "/query";
  key: string | undefined;
  /** What the extensions say of the document's hash. */
  hash: "none" | "right" | "wrong" | "alone";
  forgery: string;
}

/** Requests of all kinds, made from the schema and what is plausible. */
export function shots(schema: GraphQLSchema, plausible: Plausible): fc.Arbitrary<FuzzRequest> {
  const valid = validOperations(schema, plausible);
  return fc.record({
    sender: fc.constantFrom<Sender[]>(
      "stranger",
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
      { weight: 2, arbitrary: brokenOperations },
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

/** Tokens that nobody has signed. */
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

/** Longer URLs are refused by the server's parser, which speaks no JSON. */
const maxUrlLength = 8_000;

/** The HTTP request of a shot, with the token of its sender. */
export function requestOf(
  shot: FuzzRequest,
  tokens: Record<"customer" | "admin", string>,
): HttpRequest {
  const { sender, payload, path, key, forgery } = shot;
  const token = { ...tokens, stranger: undefined, forger: forgery }[sender];
  const headers = {
    ...(token !== undefined && { authorization: token }),
    ...(key !== undefined && { "idempotency-key": key }),
  };
  const json = { ...headers, "content-type": "application/json" };
  if ("body" in payload) return { path, headers: json, body: payload.body };

  const parameters = { ...payload, ...persisted(shot.hash, payload.query) };
  const search = new URLSearchParams(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, string] => {
        return [name, typeof value === "string" ? value : JSON.stringify(value)];
      }),
  ).toString();
  if (shot.byGet && search.length < maxUrlLength) {
    return { method: "GET", path: `${path}?${search}`, headers };
  }
  return { path, headers: json, body: JSON.stringify(parameters) };
}

function persisted(
  hash: FuzzRequest["hash"],
  query: string,
): { query?: string | undefined; extensions?: object } {
  if (hash === "none") return {};
  const right = createHash("sha256").update(query).digest("hex");
  const sha256Hash = hash === "wrong" ? right.replace(/^./, "x") : right;
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  return hash === "alone" ? { query: undefined, extensions } : { extensions };
}
