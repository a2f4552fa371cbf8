import type { HistoryWriter } from "../../tools/verify/history-writer.ts";
import type { Kinds } from "../../tools/verify/history.ts";
import type { Random } from "../../tools/verify/random.ts";
import { Client } from "../../tools/verify/workload/client.ts";
import { loginDocument, password } from "../../tools/verify/workload/documents.ts";
import { post } from "../../tools/verify/workload/gateway-client.ts";
import type { Intent } from "../../tools/verify/workload/intents.ts";
import { Market, type Account } from "../../tools/verify/workload/market.ts";

const customers = 12;
const products = 12;
/** More than is ordered. */
const plenty = 1_000_000;
/** Of these there is so little that they sell out. */
const scarce = 2;
const scarceStock = 200;
const timeoutMs = 10_000;

/** Registers customers and puts products on sale, in the name of an admin. */
export async function openMarket(
  url: string,
  admin: Account,
  history: HistoryWriter,
  random: Random,
): Promise<Market> {
  const market = new Market();
  const urls = [url];
  const client = new Client({
    name: "opening",
    random,
    market,
    history,
    urls,
    nextOp: () => 0,
  });
  // Below the walk-through's.
  let op = -100;
  const done = async <Answer>(intent: Intent): Promise<Answer> => {
    op -= 1;
    const request = await client.send({ op, intent, key: `opening${op}` }, timeoutMs);
    if (request.outcome === "ok") return request.answer as Answer;
    throw new Error(`${intent.kind} was answered ${request.code}`);
  };
  for (let number = 1; number <= customers; number += 1) {
    const username = `customer-${number}`;
    const input = { email: `${username}@shop.example`, username, type: 0 };
    const registering: Intent = { kind: "registerUser", input, by: admin };
    const { id } = await done<Kinds["registerUser"]["answer"]>(registering);
    market.customers.push({ id, token: await login(url, input.email), isAdmin: false });
  }
  for (let number = 1; number <= products; number += 1) {
    const stock = number <= scarce ? scarceStock : plenty;
    const input = { name: `Product ${number}`, price: random.int(1, 5_000), stock };
    await done({ kind: "createProduct", input, by: admin });
  }
  // What is created is remembered as what is seldom asked for.
  market.hot = market.cold.splice(0, scarce);
  return market;
}

async function login(url: string, email: string): Promise<string> {
  const body = { query: loginDocument, variables: { input: { email, password } } };
  const { code, value } = await post(body, { url, timeoutMs });
  if (code !== undefined) throw new Error(`login was answered ${code}`);
  return (value as { token: string }).token;
}
