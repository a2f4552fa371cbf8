import type { Kinds } from "../history.ts";
import type { Random } from "../random.ts";
import type { Attempt, Client } from "./client.ts";
import { loginDocument, password } from "./documents.ts";
import { post } from "./gateway-client.ts";
import type { Intent } from "./intents.ts";
import { Market, type Account } from "./market.ts";

export interface MarketSize {
  customers: number;
  hotProducts: number;
  coldProducts: number;
  /** The first stock of a hot product: small, so that it sells out. */
  hotStock: number;
}

const timeoutMs = 10_000;
const maxAttempts = 10;

/**
 * Registers the accounts and creates the products of a run, before any fault.
 *
 * @param onAdmin called when the first admin is registered
 */
export async function openMarket(
  client: Client,
  url: string,
  market: Market,
  random: Random,
  size: MarketSize,
  onAdmin: (admin: Account) => Promise<void>,
): Promise<void> {
  let op = 0;
  const execute = async <Answer>(intent: Intent): Promise<Answer> => {
    op -= 1;
    const attempt: Attempt = { op, intent, key: `opening${op}` };
    let code = "";
    // A retry on a busy machine has no second effect because of the key.
    for (let count = 0; count < maxAttempts; count += 1) {
      const request = await client.send(attempt, timeoutMs);
      if (request.outcome === "ok") return request.answer as Answer;
      code = request.code;
      if (request.outcome === "rejected") break;
    }
    throw new Error(`cannot set up the shop: ${intent.kind} failed with ${code}`);
  };
  const register = async (username: string, type: number, by: Account | null): Promise<Account> => {
    const input = { email: `${username}@shop.example`, username, type };
    const { id } = await execute<Kinds["registerUser"]["answer"]>({
      kind: "registerUser",
      input,
      by,
    });
    return { id, token: await login(url, input.email), isAdmin: type === 1 };
  };
  const first = await register("admin-1", 1, null);
  await onAdmin(first);
  market.admins.push(first, await register("admin-2", 1, first));
  const names = Array.from({ length: size.customers }, (_, index) => `customer-${index + 1}`);
  market.customers.push(...(await Promise.all(names.map((name) => register(name, 0, null)))));
  const createProduct = async (name: string, stock: number) => {
    const input = { name, price: random.int(1, 5_000), stock };
    const { id } = await execute<Kinds["createProduct"]["answer"]>({
      kind: "createProduct",
      input,
      by: first,
    });
    return id;
  };
  for (let number = 1; number <= size.coldProducts; number += 1) {
    await createProduct(`Cold ${number}`, random.int(20, 200));
  }
  // The client adds each created product to `cold`; the hot ones are taken out again.
  const cold = [...market.cold];
  for (let number = 1; number <= size.hotProducts; number += 1) {
    market.hot.push(await createProduct(`Hot ${number}`, size.hotStock));
  }
  market.cold = cold;
}

async function login(url: string, email: string): Promise<string> {
  const body = { query: loginDocument, variables: { input: { email, password } } };
  let failure = "";
  // On a busy machine a login may exceed the deadline of the shop.
  for (let count = 0; count < maxAttempts; count += 1) {
    const { code, value } = await post(body, { url, timeoutMs });
    if (code === undefined) return (value as { token: string }).token;
    failure = code;
  }
  throw new Error(`login failed with ${failure}`);
}
