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
import { definitionOf } from "../../core/errors.ts";
import "../../services/api/api.errors.ts";
import { booksThatDiffer } from "../support/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { KeepAliveClient, type HttpAnswer } from "../support/http/keep-alive-client.ts";
import { startMeasuredShop, type MeasuredShop } from "../support/measured-shop.ts";
import { placeOrder, putOnSale, type NamedLine } from "../support/ordering.ts";
import { internals } from "../support/http/error-expectations.ts";
import { plausibleValues } from "../support/graphql/plausible-values.ts";
import { requestOf, shots, type FuzzRequest } from "../support/graphql/fuzz-requests.ts";

/** By hand: `FUZZ_DOCUMENTS=20000 FUZZ_SEED=7 npm test -- fuzz`. */
const documents = Number(process.env.FUZZ_DOCUMENTS ?? 2_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);

/** Requests that are under way at once. */
const volley = 16;
/** Some documents end sessions, or change rights: after so many the senders may become others. */
const documentsPerSignIn = 40;
/** One document in so many is sent again. */
const repeatedEvery = 8;
/** How long a smaller failure is looked for. */
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
/** Count of documents sent from which on the senders are known to be signed out. */
let signedOutAt = Infinity;
const outcomes = new Map<string, number>();

beforeAll(async () => {
  shop = await startMeasuredShop({ RATE_LIMIT_PER_SECOND: "0" });
  client = new KeepAliveClient(shop.url, volley);
  schema = buildSchema(await (await fetch(`${shop.url}/schema.graphql`)).text());
  await signInAnew();
});
afterAll(async () => {
  client.close();
  await shop.stop();
});

async function signInAnew(): Promise<void> {
  signIns += 1;
  signedOutAt = Infinity;
  const [customer, admin] = [`customer${signIns}`, `admin${signIns}`];
  accounts = {
    customer: { ...(await shop.signIn(customer)), email: `${customer}@example.com` },
    admin: { ...(await shop.signIn(admin, 1)), email: `${admin}@example.com` },
  };
}

/** Things that the documents can name, and secrets that no answer may hold. */
async function furnish() {
  const victim = await shop.signIn("victim");
  // Some of them will leave the catalogue.
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
  `of ${documents} documents none does harm`,
  async () => {
    const arbitrary = shots(schema, await furnish());
    const volleys = fc.array(arbitrary, { minLength: 1, maxLength: volley, size: "max" });
    const numRuns = Math.ceil((documents * 2) / (volley + 1));
    let warmBytes = 0;
    let shrinkUntilMs = Infinity;
    const property = fc.asyncProperty(volleys, async (together) => {
      if (sent > signedOutAt) await signInAnew();
      if (warmBytes === 0 && sent > documents / 3) {
        warmBytes = await shop.measure("heapBytes");
      }
      if (performance.now() > shrinkUntilMs) return;
      try {
        await Promise.all(together.map(fire));
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
  // It decides only how late a test fails that hangs.
  600_000 + documents * 100,
);

async function fire(shot: FuzzRequest): Promise<void> {
  sent += 1;
  const { customer, admin } = accounts;
  const request = requestOf(shot, { customer: customer.token, admin: admin.token });
  const requested = JSON.stringify(shot.payload) + String(request.body);
  const answer = await client.send(request);
  judge(shot, requested, answer);
  if (sent % repeatedEvery !== 0 || !answer.text.includes('"data"')) return;
  for (let time = 2; time <= 3; time += 1) judge(shot, requested, await client.send(request));
}

function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

interface Body {
  data?: unknown;
  errors?: { message: unknown; extensions?: { code?: unknown } }[];
}

/** Checks what every answer has in common, whatever was sent. */
function judge(shot: FuzzRequest, requested: string, answer: HttpAnswer): void {
  expect(answer.status).toBeGreaterThanOrEqual(200);
  expect(answer.status).toBeLessThan(500);
  expect(answer.headers["content-type"]).toMatch(/json/);
  const { data, errors = [] } = JSON.parse(answer.text) as Body;
  const codes = errors.map(({ extensions }) => String(extensions?.code));
  if (codes.length === 0) count("no error");
  for (const code of codes) {
    count(code);
    expect({ code, known: definitionOf(code) !== undefined }).toEqual({ code, known: true });
    expect(["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"]).not.toContain(code);
  }
  for (const { message } of errors) expect(message).toEqual(expect.stringMatching(/\S/));
  // GraphQL's own word is one of SQL, too.
  const told = JSON.stringify(errors).replace("must select only one", "");
  if (!internals.test(requested)) expect(told).not.toMatch(internals);
  expectNoSecrets(shot, requested, answer.text);
  const isUser = shot.sender === "customer" || shot.sender === "admin";
  if (isUser && codes.includes("UNAUTHENTICATED")) {
    signedOutAt = Math.min(signedOutAt, sent + documentsPerSignIn);
  }
  const { payload, hash } = shot;
  if ("query" in payload && hash === "none") expectVerdict(payload.query, codes, data);
}

/** What was sent may come back; what others have may not, but to an admin. */
function expectNoSecrets({ sender }: FuzzRequest, requested: string, text: string): void {
  expect(text).not.toMatch(/\$argon2|BEGIN [A-Z ]*KEY/);
  if (sender === "admin") return;
  const known = requested.toLowerCase();
  const own = sender === "customer" ? accounts.customer.email : "";
  const emails = text.match(/\b[\w.]{1,40}@example\.com/g) ?? [];
  expect(emails.filter((email) => email !== own && !known.includes(email))).toEqual([]);
}

const refusedEarly = ["QUERY_TOO_COMPLEX", "BAD_REQUEST"];

/** Holds the answer against what graphql-js itself says of the document. */
function expectVerdict(query: string, codes: string[], data: unknown): void {
  const verdict = verdictOf(query);
  if (verdict === undefined) {
    expect(codes).not.toContain("GRAPHQL_PARSE_FAILED");
    // The gateway checks the root fields of a subscription by a rule of its own.
    if (!query.startsWith("subscription")) {
      expect(codes).not.toContain("GRAPHQL_VALIDATION_FAILED");
    }
  } else {
    expect([verdict, ...refusedEarly]).toContain(codes[0]);
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
