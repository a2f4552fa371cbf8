import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  GraphQLError,
  MaxIntrospectionDepthRule,
  SingleFieldSubscriptionsRule,
  buildSchema,
  parse,
  specifiedRules,
  validate,
  type GraphQLSchema,
} from "graphql";
import { definitionOf } from "../../../core/errors.ts";
import "../../../services/api/api.errors.ts";
import { dateTime } from "../../../services/api/graphql/types/date-time.ts";
import { uuid } from "../../../services/api/graphql/types/uuid.ts";
import { booksThatDiffer } from "../../support/consistency/books.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import { KeepAliveClient, type HttpAnswer } from "../../support/http/keep-alive-client.ts";
import { startMeasuredShop, type MeasuredShop } from "../../support/measured-shop.ts";
import { placeOrder, putOnSale, type NamedLine } from "../../support/ordering.ts";
import { internals } from "../../support/http/error-expectations.ts";
import { plausibleValues } from "../../support/graphql/requests/plausible-values.ts";
import {
  requestOf,
  fuzzRequests,
  type FuzzRequest,
} from "../../support/graphql/requests/fuzz-requests.ts";

/** For a longer run: `FUZZ_DOCUMENTS=20000 FUZZ_SEED=7 npm test -- fuzz`. */
const documents = Number(process.env.FUZZ_DOCUMENTS ?? 1_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);

/** The maximum number of parallel requests. */
const batchSize = 16;
/**
 * Documents may end the senders' sessions. New accounts sign in this many documents after a
 * response has shown it.
 */
const documentsPerSignIn = 40;
/** Every eighth document is sent three times, since plans are cached. */
const repeatEvery = 8;
/** How long fast-check may shrink a failure. */
const shrinkForMs = 20_000;
const noiseBytes = 24 * 1_048_576;

interface Account {
  token: string;
  email: string;
}

let shop: MeasuredShop;
let client: KeepAliveClient;
let schema: GraphQLSchema;
let accounts: Record<"customer" | "admin", Account>;
let sent = 0;
let signIns = 0;
/** The value of `sent` after which new accounts sign in, since the current ones are signed out. */
let signInAfter = Infinity;
const outcomes = new Map<string, number>();

beforeAll(async () => {
  shop = await startMeasuredShop({ RATE_LIMIT_PER_SECOND: "0" });
  client = new KeepAliveClient(shop.url, batchSize);
  schema = buildSchema(await (await fetch(`${shop.url}/schema.graphql`)).text());
  // A schema that is built from a text accepts every value of a custom scalar.
  for (const { name, parseValue, parseLiteral } of [dateTime, uuid]) {
    Object.assign(schema.getType(name) ?? {}, { parseValue, parseLiteral });
  }
  await signInNewAccounts();
});
afterAll(async () => {
  client.close();
  await shop.stop();
});

async function signInNewAccounts(): Promise<void> {
  signIns += 1;
  signInAfter = Infinity;
  const [customer, admin] = [`customer${signIns}`, `admin${signIns}`];
  accounts = {
    customer: { ...(await shop.signIn(customer)), email: `${customer}@example.com` },
    admin: { ...(await shop.signIn(admin, 1)), email: `${admin}@example.com` },
  };
}

/** Creates rows to which documents can refer, with emails that no response may contain. */
async function createRows() {
  const victim = await shop.signIn("victim");
  // Documents will delete some of the products.
  const stocks = [10, 100, 1_000, 1_000, 10_000, 2_000_000_000];
  const products = await Promise.all(stocks.map((stock) => putOnSale(shop, stock)));
  const orders: string[] = [];
  for (const { token } of [victim, accounts.customer, accounts.customer, accounts.admin]) {
    const { order } = await placeOrder(shop, token, ...products.map((id): NamedLine => [id, 1]));
    orders.push(order?.id ?? "");
  }
  return plausibleValues({ products, orders, users: [victim.id] });
}

test(
  `${documents} random documents cause no fault, no leak and no wrong verdict`,
  async () => {
    const arbitrary = fuzzRequests(schema, await createRows());
    const batches = fc.array(arbitrary, { minLength: 1, maxLength: batchSize, size: "max" });
    const numRuns = Math.ceil((documents * 2) / (batchSize + 1));
    let warmBytes = 0;
    let shrinkUntilMs = Infinity;
    const property = fc.asyncProperty(batches, async (batch) => {
      if (sent > signInAfter) await signInNewAccounts();
      if (warmBytes === 0 && sent > documents / 3) {
        warmBytes = await shop.measure("heapBytes");
      }
      if (performance.now() > shrinkUntilMs) return;
      try {
        await Promise.all(batch.map(sendAndCheck));
      } catch (error) {
        shrinkUntilMs = Math.min(shrinkUntilMs, performance.now() + shrinkForMs);
        throw error;
      }
    });
    await fc.assert(property, { numRuns, seed });

    const grownBytes = (await shop.measure("heapBytes")) - warmBytes;
    expect(grownBytes).toBeLessThan(noiseBytes);
    expect((await fetch(`${shop.url}/health/ready`)).status).toBe(200);
    await eventually("the books close", async () => {
      expect(await booksThatDiffer(shop.databases)).toEqual([]);
      return true;
    });
    for (const service of ["products", "orders"]) {
      expect(await shop.call(`${service}.deadLetters`)).toEqual([]);
    }
    report(grownBytes);
  },
  // The timeout only limits a run that hangs.
  600_000 + documents * 100,
);

async function sendAndCheck(fuzzRequest: FuzzRequest): Promise<void> {
  sent += 1;
  const { customer, admin } = accounts;
  const request = requestOf(fuzzRequest, { customer: customer.token, admin: admin.token });
  const requested = JSON.stringify(fuzzRequest.payload) + String(request.body);
  const response = await client.send(request);
  checkResponse(fuzzRequest, requested, response);
  if (sent % repeatEvery !== 0 || !response.text.includes('"data"')) return;
  for (let n = 0; n < 2; n += 1) checkResponse(fuzzRequest, requested, await client.send(request));
}

function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

interface Body {
  data?: unknown;
  errors?: { message: unknown; extensions?: { code?: unknown } }[];
}

/** Checks the properties that every response must have. */
function checkResponse(fuzzRequest: FuzzRequest, requested: string, response: HttpAnswer): void {
  expect(response.status).toBeGreaterThanOrEqual(200);
  expect(response.status).toBeLessThan(500);
  expect(response.headers["content-type"]).toMatch(/json/);
  const { data, errors = [] } = JSON.parse(response.text) as Body;
  const codes = errors.map(({ extensions }) => String(extensions?.code));
  if (codes.length === 0) count("no error");
  for (const code of codes) {
    count(code);
    expect({ code, known: definitionOf(code) !== undefined }).toEqual({ code, known: true });
    expect(["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"]).not.toContain(code);
  }
  for (const { message } of errors) expect(message).toEqual(expect.stringMatching(/\S/));
  if (!internals.test(requested)) expect(JSON.stringify(errors)).not.toMatch(internals);
  expectNoSecrets(fuzzRequest, requested, response.text);
  const isUser = fuzzRequest.sender === "customer" || fuzzRequest.sender === "admin";
  if (isUser && codes.includes("UNAUTHENTICATED")) {
    signInAfter = Math.min(signInAfter, sent + documentsPerSignIn);
  }
  const { payload, hash } = fuzzRequest;
  if ("query" in payload && hash === "none") expectVerdict(payload.query, codes, data);
}

/** Checks that only admins see emails other than their own and those in the request. */
function expectNoSecrets({ sender }: FuzzRequest, requested: string, text: string): void {
  expect(text).not.toMatch(/\$argon2|BEGIN [A-Z ]*KEY/);
  if (sender === "admin") return;
  const lowerCaseRequest = requested.toLowerCase();
  const ownEmail = sender === "customer" ? accounts.customer.email : "";
  const emails = text.match(/\b[\w.]{1,40}@example\.com/g) ?? [];
  const isAllowed = (email: string) => email === ownEmail || lowerCaseRequest.includes(email);
  expect(emails.filter((email) => !isAllowed(email))).toEqual([]);
}

/** Codes of errors that the gateway may report before it parses or validates a document. */
const earlyCodes = ["QUERY_TOO_COMPLEX", "BAD_REQUEST"];

/** Compares the response with the verdict of graphql-js on the document. */
function expectVerdict(query: string, codes: string[], data: unknown): void {
  const verdict = verdictOf(query);
  if (verdict === undefined) {
    expect(codes).not.toContain("GRAPHQL_PARSE_FAILED");
    // The gateway checks the root fields of a subscription by a rule of its own.
    if (!query.startsWith("subscription")) {
      expect(codes).not.toContain("GRAPHQL_VALIDATION_FAILED");
    }
  } else {
    expect([verdict, ...earlyCodes]).toContain(codes[0]);
    expect(data).toBeUndefined();
  }
}

/** The gateway has its own limits in place of these two rules; the first throws out of `validate`. */
const rules = specifiedRules.filter(
  (rule) => rule !== SingleFieldSubscriptionsRule && rule !== MaxIntrospectionDepthRule,
);

function verdictOf(query: string): string | undefined {
  try {
    const isValid = validate(schema, parse(query), rules).length === 0;
    return isValid ? undefined : "GRAPHQL_VALIDATION_FAILED";
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return "GRAPHQL_PARSE_FAILED";
  }
}

function report(grownBytes: number): void {
  const grown = (grownBytes / 1_048_576).toFixed(1);
  const codes = [...outcomes].map(([code, count]) => `${code} ${count}`).join(", ");
  process.stdout.write(`fuzz: ${sent} requests, seed ${seed}; ${codes}; heap +${grown} MB\n`);
}
