import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "../../support/eventually.ts";
import type { Databases } from "../cluster/databases.ts";
import type { HistoryWriter } from "../history-writer.ts";
import type { Random } from "../random.ts";
import { post } from "./gateway-client.ts";
import type { Account } from "./market.ts";

/** The events of each endpoint: all, and those of orders only. */
const ofOrders = ["order.placed", "order.cancelled", "order.shipped", "order.delivered"];
const endpoints = [
  ["user.registered", "product.created", "product.updated", "inventory.updated", ...ofOrders],
  ofOrders,
];

/** Creates a webhook. */
export const createWebhookDocument =
  "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { secret } }";

const timeoutMs = 10_000;
/** Of each event, so that the retries of an event end soon after the load. */
const maxFailures = 1;
const failureShare = 0.05;

interface ReceiverOptions {
  databases: Databases;
  history: HistoryWriter;
  random: Random;
}

/** Endpoints of webhooks in this process. They fail now and then, before or after they accept. */
export class Receivers {
  readonly #server: Server;
  readonly #random: Random;
  readonly #failures = new Map<string, number>();
  #isHealed = false;

  private constructor(history: HistoryWriter, random: Random) {
    this.#random = random;
    this.#server = createServer((req, res) => {
      let body = "";
      req.on("data", (chunk: Buffer) => (body += chunk.toString()));
      req.on("end", () => {
        const endpoint = Number(req.url?.slice(1));
        const answer = this.#answerTo(endpoint, String(req.headers["webhook-id"]));
        const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> };
        history.write({
          line: "webhook",
          atMs: history.nowMs,
          endpoint,
          id: String(req.headers["webhook-id"]),
          type,
          data,
          accepted: answer !== "reject",
        });
        if (answer === "lose") res.destroy();
        else res.writeHead(answer === "accept" ? 204 : 500).end();
      });
    });
  }

  /** Starts the receivers and creates a webhook for each, as an admin. */
  static async open(
    { databases, history, random }: ReceiverOptions,
    url: string,
    { token }: Account,
  ): Promise<Receivers> {
    const receivers = new Receivers(history, random);
    receivers.#server.listen(0, "127.0.0.1");
    await once(receivers.#server, "listening");
    const { port } = receivers.#server.address() as AddressInfo;
    for (const [endpoint, events] of endpoints.entries()) {
      const input = { url: `http://127.0.0.1:${port}/${endpoint}`, events };
      const body = { query: createWebhookDocument, variables: { input } };
      // The service first has to learn the heads of all logs.
      await eventually("a new webhook", async () => {
        const { code } = await post(body, { url, token, timeoutMs });
        return code === undefined;
      });
      const heads = await headsOf(databases);
      history.write({ line: "endpoint", atMs: history.nowMs, endpoint, events, heads });
    }
    return receivers;
  }

  /** Accepts all events from now on, as the other faults end: the events of an entity wait for each retry. */
  heal(): void {
    this.#isHealed = true;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** "lose" accepts the event, and loses the answer. */
  #answerTo(endpoint: number, id: string): "accept" | "reject" | "lose" {
    if (this.#isHealed) return "accept";
    const key = `${endpoint} ${id}`;
    const failures = this.#failures.get(key) ?? 0;
    if (failures >= maxFailures || !this.#random.chance(failureShare)) return "accept";
    this.#failures.set(key, failures + 1);
    return this.#random.chance(0.5) ? "reject" : "lose";
  }
}

/** Returns the positions of the newest events of all logs. */
export async function headsOf(databases: Pick<Databases, "query">) {
  const headOf = async (service: "users" | "products" | "orders") => {
    const sql = "SELECT position::int AS head FROM event_log_head";
    const [log] = await databases.query<{ head: number }>(service, sql);
    return log?.head ?? 0;
  };
  const [users, products, orders] = await Promise.all([
    headOf("users"),
    headOf("products"),
    headOf("orders"),
  ]);
  return { users, products, orders };
}
