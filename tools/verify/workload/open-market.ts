import type { HistoryWriter } from "../history-writer.ts";
import type { Kinds } from "../history.ts";
import type { Random } from "../random.ts";
import { Client, type Attempt } from "./client.ts";
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

interface OpenerOptions {
  market: Market;
  history: HistoryWriter;
  /** The URLs of the gateways. */
  urls: readonly string[];
  random: Random;
}

const timeoutMs = 10_000;
const maxAttempts = 10;

/** Registers accounts and creates products, and writes the requests to the history. */
export class MarketOpener {
  readonly market: Market;
  readonly random: Random;
  readonly #client: Client;
  readonly #url: string;
  #op: number;

  /** @param lastOp the number of the last operation before; those of the opener are below it */
  constructor({ random, ...options }: OpenerOptions, lastOp = 0) {
    this.#client = new Client({
      name: "opening",
      random: random.fork(),
      nextOp: () => 0,
      ...options,
    });
    this.market = options.market;
    this.random = random.fork();
    this.#url = options.urls[0] ?? "";
    this.#op = lastOp;
  }

  /** Registers the first admin of an empty shop, and signs in. */
  registerFirstAdmin(): Promise<Account> {
    return this.register("admin-1", 1, null);
  }

  /** Registers an account, and signs in. */
  async register(username: string, type: number, by: Account | null): Promise<Account> {
    const input = { email: `${username}@shop.example`, username, type };
    const registering: Intent = { kind: "registerUser", input, by };
    const { id } = await this.#execute<Kinds["registerUser"]["answer"]>(registering);
    return { id, token: await login(this.#url, input.email), isAdmin: type === 1 };
  }

  /** Creates a product with a random price. Returns its id. */
  async createProduct(name: string, stock: number, by: Account): Promise<string> {
    const input = { name, price: this.random.int(1, 5_000), stock };
    const creating: Intent = { kind: "createProduct", input, by };
    const { id } = await this.#execute<Kinds["createProduct"]["answer"]>(creating);
    return id;
  }

  async #execute<Answer>(intent: Intent): Promise<Answer> {
    this.#op -= 1;
    const attempt: Attempt = { op: this.#op, intent, key: `opening${this.#op}` };
    let code = "";
    // A retry on a busy machine has no second effect because of the key.
    for (let count = 0; count < maxAttempts; count += 1) {
      const request = await this.#client.send(attempt, timeoutMs);
      if (request.outcome === "ok") return request.answer as Answer;
      code = request.code;
      if (request.outcome === "rejected") break;
    }
    throw new Error(`cannot set up the shop: ${intent.kind} failed with ${code}`);
  }
}

/** Registers the accounts and creates the products of a run, before any fault. */
export async function openMarket(
  opener: MarketOpener,
  admin: Account,
  size: MarketSize,
): Promise<void> {
  const { market, random } = opener;
  market.admins.push(admin, await opener.register("admin-2", 1, admin));
  const names = Array.from({ length: size.customers }, (_, index) => `customer-${index + 1}`);
  const customers = await Promise.all(names.map((name) => opener.register(name, 0, null)));
  market.customers.push(...customers);
  for (let number = 1; number <= size.coldProducts; number += 1) {
    await opener.createProduct(`Cold ${number}`, random.int(20, 200), admin);
  }
  // The client adds each created product to `cold`; the hot ones are taken out again.
  const cold = [...market.cold];
  for (let number = 1; number <= size.hotProducts; number += 1) {
    market.hot.push(await opener.createProduct(`Hot ${number}`, size.hotStock, admin));
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
