import { setTimeout as delay } from "node:timers/promises";
import { graphql } from "../../../tools/support/graphql-client.ts";
import { mutations } from "../graphql/mutations.ts";
import { mutate } from "../http/first-admin.ts";

const pauseMs = 100;

/**
 * Does a bit of everything that customers and admins do, again and again: reads, orders, repeated
 * and rejected orders, cancellations, shipping, logins and new products. Requests may fail. Returns
 * a function that stops it.
 */
export function startShopLoad(url: string, token: string): () => Promise<void> {
  let isStopped = false;
  let round = 0;
  const send = (document: string, headers: Record<string, string> = {}) =>
    graphql<Record<string, { id: string }>>(url, document, { token, headers }).catch(
      () => undefined,
    );
  const idOf = async (...request: Parameters<typeof send>) =>
    Object.values((await send(...request))?.data ?? {})[0]?.id;

  async function trade(): Promise<void> {
    round += 1;
    const single = await idOf(mutations.createProduct(`Single ${round}`, { stock: 1 }));
    const plenty = await idOf(mutations.createProduct(`Plenty ${round}`, { stock: 100 }));
    if (single === undefined || plenty === undefined) return;
    await send(mutations.placeOrder(single, 1));
    await send(mutations.placeOrder(single, 1));
    const key = { "idempotency-key": `order-${round}` };
    const order = await idOf(mutations.placeOrder(plenty, 1), key);
    await send(mutations.placeOrder(plenty, 1), key);
    if (order !== undefined) {
      await send(mutations.shipOrder(order));
      await send(mutations.completeOrder(order));
    }
    const cancelled = await idOf(mutations.placeOrder(plenty, 2));
    if (cancelled !== undefined) await send(mutations.cancelOrder(cancelled));
    await send(mutations.login("admin", round % 2 === 0 ? "wrong password" : undefined));
  }

  const loop = async (work: () => Promise<unknown>) => {
    while (!isStopped) {
      await work();
      await delay(pauseMs);
    }
  };
  const loops = [
    loop(trade),
    loop(() => send("{ products { name stock } orders(limit: 5) { id user { username } } }")),
    loop(() => send("{ products { name } }")),
    loop(() => send("{ products { price } }")),
    loop(() => send("{ products { stock } }")),
  ];
  return async () => {
    isStopped = true;
    await Promise.all(loops);
  };
}

/** Creates a webhook whose endpoint is away, so that its deliveries fail and are repeated. */
export async function createFailingWebhook(url: string, token: string): Promise<void> {
  const input = `{ url: "http://127.0.0.1:1/hook", events: ["order.placed"] }`;
  await mutate(url, `mutation { createWebhook(input: ${input}) { webhook { id } } }`, { token });
}
