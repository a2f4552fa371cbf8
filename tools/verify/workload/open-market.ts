import type { Kinds } from "../history.ts";
import type { Random } from "../random.ts";
import type { Client, Sending } from "./client.ts";
import { loginDocument, password } from "./documents.ts";
import { post } from "./gateway-client.ts";
import type { Intent } from "./intents.ts";
import { Market, type Account } from "./market.ts";

export interface MarketSize {
  customers: number;
  hotProducts: number;
  coldProducts: number;
  /** What there is of a hot product at first: little, so that it sells out. */
  hotStock: number;
}

const timeoutMs = 10_000;
const maxTries = 4;

/** Registers the first accounts and puts the first products on sale, before anything goes wrong. */
export async function openMarket(
  client: Client,
  url: string,
  market: Market,
  random: Random,
  size: MarketSize,
): Promise<void> {
  let op = 0;
  const done = async <Answer>(intent: Intent): Promise<Answer> => {
    op -= 1;
    const sending: Sending = { op, intent, key: `opening${op}` };
    let code = "";
    // A machine that is busy may keep it waiting; the key makes it one and the same.
    for (let tried = 0; tried < maxTries; tried += 1) {
      const request = await client.ask(sending, timeoutMs);
      if (request.outcome === "ok") return request.answer as Answer;
      code = request.code;
      if (request.outcome === "refused") break;
    }
    throw new Error(`the shop does not open: ${intent.kind} was answered ${code}`);
  };
  const enter = async (username: string, type: number, by: Account | null): Promise<Account> => {
    const input = { email: `${username}@shop.example`, username, type };
    const { id } = await done<Kinds["registerUser"]["answer"]>({
      kind: "registerUser",
      input,
      by,
    });
    return { id, token: await login(url, input.email), isAdmin: type === 1 };
  };
  const first = await enter("admin-1", 1, null);
  market.admins.push(first, await enter("admin-2", 1, first));
  const names = Array.from({ length: size.customers }, (_, index) => `customer-${index + 1}`);
  market.customers.push(...(await Promise.all(names.map((name) => enter(name, 0, null)))));
  const putOnSale = async (name: string, stock: number) => {
    const input = { name, price: random.int(1, 5_000), stock };
    const { id } = await done<Kinds["createProduct"]["answer"]>({
      kind: "createProduct",
      input,
      by: first,
    });
    return id;
  };
  for (let number = 1; number <= size.coldProducts; number += 1) {
    await putOnSale(`Cold ${number}`, random.int(20, 200));
  }
  // What is created is remembered as cold; these are not.
  const cold = [...market.cold];
  for (let number = 1; number <= size.hotProducts; number += 1) {
    market.hot.push(await putOnSale(`Hot ${number}`, size.hotStock));
  }
  market.cold = cold;
}

async function login(url: string, email: string): Promise<string> {
  const body = { query: loginDocument, variables: { input: { email, password } } };
  const { code, value } = await post(body, { url, timeoutMs });
  if (code !== undefined) throw new Error(`login was answered ${code}`);
  return (value as { token: string }).token;
}
