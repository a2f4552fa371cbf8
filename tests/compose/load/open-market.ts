import type { HistoryWriter } from "../../../tools/verify/history-writer.ts";
import type { Kinds } from "../../../tools/verify/history.ts";
import type { Random } from "../../../tools/verify/random.ts";
import { Client } from "../../../tools/verify/workload/client.ts";
import { loginDocument, password } from "../../../tools/verify/workload/documents.ts";
import { post } from "../../../tools/verify/workload/gateway-client.ts";
import type { Intent } from "../../../tools/verify/workload/intents.ts";
import { Market, type Account } from "../../../tools/verify/workload/market.ts";

const customers = 12;
const products = 12;
/** A stock that the load does not exhaust. */
const plentifulStock = 1_000_000;
/** The number of products that sell out, and their stock. */
const scarceProducts = 2;
const scarceStock = 200;
const timeoutMs = 10_000;

/** Registers customers and creates products as an admin. */
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
  // Operation numbers below those of the walk-through.
  let op = -100;
  const run = async <Answer>(intent: Intent): Promise<Answer> => {
    op -= 1;
    const request = await client.send({ op, intent, key: `opening${op}` }, timeoutMs);
    if (request.outcome === "ok") return request.answer as Answer;
    throw new Error(`${intent.kind} failed with ${request.code}`);
  };
  for (let number = 1; number <= customers; number += 1) {
    const username = `customer-${number}`;
    const input = { email: `${username}@shop.example`, username, type: 0 };
    const registering: Intent = { kind: "registerUser", input, by: admin };
    const { id } = await run<Kinds["registerUser"]["answer"]>(registering);
    market.customers.push({ id, token: await login(url, input.email), isAdmin: false });
  }
  for (let number = 1; number <= products; number += 1) {
    const stock = number <= scarceProducts ? scarceStock : plentifulStock;
    const input = { name: `Product ${number}`, price: random.int(1, 5_000), stock };
    await run({ kind: "createProduct", input, by: admin });
  }
  // The client adds each created product to the seldom ordered ones.
  market.hot = market.cold.splice(0, scarceProducts);
  return market;
}

async function login(url: string, email: string): Promise<string> {
  const body = { query: loginDocument, variables: { input: { email, password } } };
  const { code, value } = await post(body, { url, timeoutMs });
  if (code !== undefined) throw new Error(`login failed with ${code}`);
  return (value as { token: string }).token;
}
