import type { ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Webhook as Verifier } from "standardwebhooks";
import type { Outbox } from "../../event-log/log-progress.ts";
import type { Webhook, WebhookDelivery } from "../../services/webhooks/webhooks.contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { startReceiver, type Received, type Receiver } from "../support/fakes/webhook-receiver.ts";

const env = {
  WEBHOOK_ALLOW_HTTP: "true",
  WEBHOOK_ALLOW_PRIVATE: "true",
  KEY_ENCRYPTION_SECRET: "a-long-random-secret",
};

let shop: TestShop;
/** Another node with all services, on the same databases. */
let replica: TestShop;
let admin: { id: string; token: string };
let buyer: { id: string; token: string };
let productId: string;
let receiver: Receiver;
let webhook: Webhook;
let secret: string;

beforeAll(async () => {
  shop = await startTestShop(env);
  replica = await startTestShop(env, shop.databases);
  admin = await shop.signIn("admin", 1);
  buyer = await shop.signIn("buyer");
  productId = await putOnSale(shop, 1_000, 500);
});
afterAll(async () => {
  await replica.stop();
  await shop.stop();
});
beforeEach(async () => {
  // A new webhook also gets earlier events that the service has not consumed yet.
  await consumed();
  receiver = await startReceiver();
  ({ webhook, secret } = await create(["order.placed", "order.shipped", "order.delivered"]));
});
afterEach(async () => {
  await shop.call("webhooks.delete", { id: webhook.id });
  await receiver.close();
});

const webhookFields = "id url events description enabled disabledReason createdAt updatedAt";

async function dataOf<Data>(query: string, variables = {}): Promise<Data> {
  const { token } = admin;
  const { data, errors } = await shop.graphql<Data>(query, { variables, token });
  expect(errors).toBeUndefined();
  return data as Data;
}

async function codeOf(query: string, variables = {}): Promise<unknown> {
  return (await shop.graphql(query, { variables, token: admin.token })).code;
}

const createDocument = `mutation ($input: CreateWebhookInput!) {
  createWebhook(input: $input) { secret formerSecretUntil webhook { ${webhookFields} } } }`;

/** Creates a webhook to the receiver, as soon as the shop knows the heads of all logs. */
function create(events: string[], url = receiver.url) {
  return eventually("a new webhook", async () => {
    const answer = await shop.graphql<{
      createWebhook: { webhook: Webhook; secret: string; formerSecretUntil: string | null };
    }>(createDocument, { variables: { input: { url, events } }, token: admin.token });
    if (answer.code === "SERVICE_UNAVAILABLE") return undefined;
    expect(answer.errors).toBeUndefined();
    return answer.data?.createWebhook;
  });
}

function placeOrder(): Promise<{ id: string }> {
  const order_products = [{ product_id: productId, quantity: 1 }];
  return shop.call("orders.place", { user_id: buyer.id, order_products });
}

/** Places an order, ships and completes it, on alternating nodes. */
async function deliveredOrder(): Promise<string> {
  const { id } = await placeOrder();
  await replica.call("orders.ship", { id });
  await shop.call("orders.complete", { id });
  return id;
}

async function deliveries(filter: object = {}): Promise<WebhookDelivery[]> {
  const { webhookDeliveriesConnection } = await dataOf<{
    webhookDeliveriesConnection: { nodes: WebhookDelivery[] };
  }>(
    `query ($filter: WebhookDeliveryFilter) { webhookDeliveriesConnection(filter: $filter) {
       nodes { id webhookId eventId type entityId state attempts lastStatus lastError durationMs
         nextAttemptAt createdAt finishedAt } } }`,
    { filter: { webhookId: webhook.id, ...filter } },
  );
  return webhookDeliveriesConnection.nodes;
}

/** Waits until the service has consumed all events of orders. */
function consumed(): Promise<true> {
  return eventually("the events being consumed", async () => {
    const { readers } = await shop.call<Outbox>("orders.outbox");
    return readers.some(({ consumer, behind }) => consumer === "webhooks" && behind === 0);
  });
}

/** Waits until all events of orders are consumed, and all deliveries of the webhook are in this state. */
async function settledIn(state: string): Promise<WebhookDelivery[]> {
  await consumed();
  return eventually(`the deliveries being ${state}`, async () => {
    const rows = await deliveries();
    return rows.length > 0 && rows.every((row) => row.state === state) ? rows : undefined;
  });
}

function attempts(least: number): Promise<WebhookDelivery[]> {
  return eventually(`${least} attempts`, async () => {
    const rows = await deliveries();
    return rows.some((row) => row.attempts >= least) ? rows : undefined;
  });
}

const typesOf = (received: Received[], order: string) =>
  received
    .filter(({ payload }) => payload.data.order_id === order)
    .map(({ payload }) => payload.type);

const lifecycle = ["order.placed", "order.shipped", "order.delivered"];

describe("a webhook", () => {
  test("gets the chosen events of each order once and in order, signed", async () => {
    const orders = await Promise.all([deliveredOrder(), deliveredOrder(), deliveredOrder()]);
    const rows = await settledIn("DELIVERED");
    expect(rows).toHaveLength(9);
    for (const order of orders) expect(typesOf(receiver.received, order)).toEqual(lifecycle);
    expect(receiver.received).toHaveLength(9);
    const verifier = new Verifier(secret);
    for (const { body, headers } of receiver.received) {
      expect(verifier.verify(body, headers)).toEqual(JSON.parse(body));
    }
    const [first] = receiver.received;
    const [event] = await shop.databases.query<{ id: string; occurred_at: Date; data: object }>(
      "orders",
      "SELECT id, occurred_at, data FROM event_log WHERE id = $1",
      [first?.headers["webhook-id"]],
    );
    expect(first?.payload).toEqual({
      type: "order.placed",
      timestamp: event?.occurred_at.toISOString(),
      data: event?.data,
    });
    expect(rows[0]).toMatchObject({
      webhookId: webhook.id,
      attempts: 1,
      lastStatus: 204,
      lastError: null,
      nextAttemptAt: null,
      finishedAt: expect.any(String),
    });
    // A delivered event needs no copy.
    expect(await copies()).toEqual([]);
  });

  test("that fails for long gets everything in order when it answers again", async () => {
    const other = await startReceiver();
    const { webhook: healthy } = await create(lifecycle, other.url);
    let isDown = true;
    receiver.respond(() => (isDown ? 503 : 200));
    const orders = [await deliveredOrder(), await deliveredOrder()];
    await eventually("all deliveries", async () => (await deliveries()).length === 6);
    // Each redrive stands for a pause of the schedule: 10 minutes have six attempts.
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      await attempts(attempt);
      await shop.call("webhooks.redriveAll", { id: webhook.id });
    }
    const waiting = await deliveries();
    expect(waiting.map(({ state }) => state)).toEqual(Array(6).fill("PENDING"));
    expect(waiting.filter((row) => row.attempts > 0).map(({ type }) => type)).toEqual([
      "order.placed",
      "order.placed",
    ]);
    expect(waiting.find((row) => row.attempts > 0)).toMatchObject({
      lastStatus: 503,
      lastError: "The endpoint answered 503.",
      nextAttemptAt: expect.any(String),
      finishedAt: null,
    });
    // Another webhook is not affected.
    await eventually("its events", () => other.received.length >= 6);
    expect(other.received).toHaveLength(6);
    isDown = false;
    const failed = receiver.received.length;
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    await settledIn("DELIVERED");
    const accepted = receiver.received.slice(failed);
    for (const order of orders) {
      expect([...new Set(typesOf(accepted, order))]).toEqual(lifecycle);
      const ids = receiver.received
        .filter(({ payload }) => payload.type === "order.placed" && payload.data.order_id === order)
        .map(({ headers }) => headers["webhook-id"]);
      expect(new Set(ids).size).toBe(1);
    }
    await shop.call("webhooks.delete", { id: healthy.id });
    await other.close();
  });

  test("that rejects the events of one order gets those of the others", async () => {
    const rejected = await placeOrder();
    receiver.respond(({ payload }) => (payload.data.order_id === rejected.id ? 500 : 200));
    await shop.call("orders.ship", { id: rejected.id });
    const order = await deliveredOrder();
    await eventually("the events of the other order", async () =>
      typesOf(receiver.received, order).length === 3 ? true : undefined,
    );
    expect(typesOf(receiver.received, rejected.id)).not.toContain("order.shipped");
  });

  test("that is slow does not delay another one", async () => {
    const other = await startReceiver();
    const { webhook: fast } = await create(["order.placed"], other.url);
    receiver.respond(() => undefined);
    const orders = await Promise.all(Array.from({ length: 6 }, () => placeOrder()));
    await eventually("the fast webhook having all events", async () =>
      other.received.length === orders.length ? true : undefined,
    );
    // The attempts in progress are bounded: both nodes have four each.
    expect(receiver.received.length).toBeLessThanOrEqual(6);
    await shop.call("webhooks.delete", { id: fast.id });
    await other.close();
  });

  test("that answers 410 is disabled, and its events wait until an admin enables it", async () => {
    receiver.respond(() => 500);
    const order = await deliveredOrder();
    await consumed();
    receiver.respond(() => 410);
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    await eventually("the webhook being disabled", async () => {
      const { enabled, disabledReason } = await shop.call<Webhook>("webhooks.get", {
        id: webhook.id,
      });
      return !enabled && disabledReason === "GONE" ? true : undefined;
    });
    await attempts(2);
    const waiting = await deliveries({ state: "PENDING" });
    expect(waiting.map(({ nextAttemptAt }) => nextAttemptAt)).toEqual([null, null, null]);
    const received = receiver.received.length;
    receiver.respond(() => 200);
    await deliveredOrder();
    await consumed();
    const { updateWebhook } = await dataOf<{ updateWebhook: Webhook }>(
      `mutation { updateWebhook(input: { id: "${webhook.id}", enabled: true }) { ${webhookFields} } }`,
    );
    expect(updateWebhook).toMatchObject({ enabled: true, disabledReason: null });
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    await settledIn("DELIVERED");
    expect(typesOf(receiver.received, order).slice(-3)).toEqual(lifecycle);
    // The events of the time in which it was disabled are not recorded.
    expect(receiver.received.length - received).toBe(3);
  });

  test("that asks for a pause gets nothing until then", async () => {
    answerPause(3_600);
    await placeOrder();
    await attempts(1);
    await deliveredOrder();
    await consumed();
    // Each pending delivery says when it is sent.
    const rows = await deliveries();
    expect(rows).toHaveLength(4);
    const soonestMs = Math.min(...rows.map((row) => Date.parse(row.nextAttemptAt ?? "")));
    expect(soonestMs - Date.now()).toBeGreaterThan(50 * 60_000);
    const [{ paused } = { paused: false }] = await shop.databases.query<{ paused: boolean }>(
      "webhooks",
      "SELECT paused_until > now() + interval '50 minutes' AS paused FROM webhooks WHERE id = $1",
      [webhook.id],
    );
    expect(paused).toBe(true);
    expect(receiver.received).toHaveLength(1);
  });

  /** Lets the next pause be an hour. */
  async function afterManyAttempts(): Promise<void> {
    await shop.databases.query(
      "webhooks",
      "UPDATE deliveries SET attempts = 10 WHERE webhook_id = $1",
      [webhook.id],
    );
  }

  /** Leaves the next attempt unanswered, and accepts later ones. Returns what answers it. */
  async function heldAttempt(): Promise<ServerResponse> {
    const held: ServerResponse[] = [];
    receiver.respond((_received, res) => {
      if (held.length > 0) return 200;
      held.push(res);
      return undefined;
    });
    return eventually("an attempt", () => held[0]);
  }

  /** Leaves an attempt unanswered whose failure would pause for an hour. Returns what answers it. */
  async function heldLateAttempt(): Promise<ServerResponse> {
    receiver.respond(() => 503);
    await placeOrder();
    await attempts(1);
    await afterManyAttempts();
    const attempt = heldAttempt();
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    return await attempt;
  }

  test.each([
    ["by its Retry-After", 429, { "retry-after": "3600" }],
    ["after many attempts", 503, {}],
  ])("that is redriven during an attempt does not pause %s", async (_why, status, headers) => {
    const response = await heldLateAttempt();
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    response.writeHead(status, headers).end();
    const [row] = await settledIn("DELIVERED");
    expect(row).toMatchObject({ attempts: 12, lastStatus: 200 });
    expect(receiver.received).toHaveLength(3);
  });

  test.each([
    ["disabled by 410", 410, {}],
    ["paused by Retry-After", 429, { "retry-after": "3600" }],
    ["paused after many attempts", 503, {}],
  ])(
    "that gets a new URL during an attempt is not %s of the old one",
    async (_what, status, headers) => {
      const other = await startReceiver();
      const response = await heldLateAttempt();
      await shop.call("webhooks.update", { id: webhook.id, url: other.url });
      response.writeHead(status, headers).end();
      await deliveredOrder();
      await eventually("the events at the new URL", () => other.received.length >= 4);
      expect(await shop.call("webhooks.get", { id: webhook.id })).toMatchObject({ enabled: true });
      await other.close();
    },
  );

  test("that gets a new URL does not wait for the end of the old one's pause", async () => {
    const other = await startReceiver();
    answerPause(3_600);
    await placeOrder();
    await attempts(1);
    await afterManyAttempts();
    await shop.call("webhooks.update", { id: webhook.id, description: "the same URL" });
    await shop.call("webhooks.update", { id: webhook.id, url: receiver.url });
    await consumed();
    expect(receiver.received).toHaveLength(1);
    await shop.call("webhooks.update", { id: webhook.id, url: other.url });
    await eventually("the event at the new URL", () => other.received.length > 0);
    await settledIn("DELIVERED");
    await other.close();
  });

  test("signs with both secrets after a rotation", async () => {
    const { rotateWebhookSecret: rotated } = await dataOf<{
      rotateWebhookSecret: { secret: string; formerSecretUntil: string };
    }>(`mutation { rotateWebhookSecret(id: "${webhook.id}") { secret formerSecretUntil } }`);
    expect(rotated.secret).not.toBe(secret);
    const leftMs = Date.parse(rotated.formerSecretUntil) - Date.now();
    expect(leftMs / 3_600_000).toBeCloseTo(24, 0);
    await placeOrder();
    await settledIn("DELIVERED");
    const [{ body, headers } = { body: "", headers: {} }] = receiver.received;
    for (const valid of [secret, rotated.secret]) {
      expect(new Verifier(valid).verify(body, headers)).toBeTruthy();
    }
    await shop.databases.query(
      "webhooks",
      "UPDATE webhooks SET former_secret_until = now() WHERE id = $1",
      [webhook.id],
    );
    await placeOrder();
    const last = await eventually("the second event", () => receiver.received[1]);
    expect(last.headers["webhook-signature"]?.split(" ")).toHaveLength(1);
  });
});

/** Asks for a pause of some seconds at each attempt. */
function answerPause(seconds: number): void {
  receiver.respond((_received, res) => {
    res.writeHead(429, { "retry-after": String(seconds) }).end();
    return undefined;
  });
}

/** The copies of events that the webhooks database holds for the webhook. */
function copies(): Promise<{ data: Record<string, unknown> }[]> {
  return shop.databases.query(
    "webhooks",
    "SELECT data FROM deliveries WHERE webhook_id = $1 AND data IS NOT NULL ORDER BY id",
    [webhook.id],
  );
}

/** Lets the time of all deliveries of the webhook pass. */
async function expireDeliveries(): Promise<void> {
  await shop.databases.query(
    "webhooks",
    "UPDATE deliveries SET retry_until = now() WHERE webhook_id = $1 AND state = 'PENDING'",
    [webhook.id],
  );
}

describe("a dead letter", () => {
  test("is no delivery whose time ends during a pause: it is tried once more at the end", async () => {
    receiver.respond(() => 500);
    await placeOrder();
    await attempts(1);
    await shop.databases.query(
      "webhooks",
      "UPDATE deliveries SET retry_until = now() + interval '1 hour' WHERE webhook_id = $1",
      [webhook.id],
    );
    answerPause(86_400);
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    const [row] = await attempts(2);
    expect(row).toMatchObject({ state: "PENDING", lastStatus: 429 });
    await expireDeliveries();
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    await settledIn("DEAD");
    expect(receiver.received).toHaveLength(3);
  });

  test("is a delivery that fails after its time, and can be redriven", async () => {
    receiver.respond(() => 500);
    const order = await deliveredOrder();
    await attempts(1);
    await consumed();
    await expireDeliveries();
    await shop.call("webhooks.redriveAll", { id: webhook.id });
    const dead = await settledIn("DEAD");
    expect(dead.map(({ type }) => type).reverse()).toEqual(lifecycle);
    receiver.respond(() => 200);
    const received = receiver.received.length;
    const [last] = dead;
    expect(
      await dataOf(`mutation { redriveWebhookDelivery(id: "${last?.id}") { redriven } }`),
    ).toEqual({ redriveWebhookDelivery: { redriven: 1 } });
    expect(
      await codeOf(`mutation { redriveWebhookDelivery(id: "${last?.id}") { redriven } }`),
    ).toBe("WEBHOOK_DELIVERY_NOT_FOUND");
    await eventually("the redriven event", async () => receiver.received.length > received);
    expect(await dataOf(`mutation { redriveWebhook(id: "${webhook.id}") { redriven } }`)).toEqual({
      redriveWebhook: { redriven: 2 },
    });
    await settledIn("DELIVERED");
    expect(typesOf(receiver.received.slice(received), order)).toEqual([
      "order.delivered",
      "order.placed",
      "order.shipped",
    ]);
  });
});

describe("the input of a webhook", () => {
  test.each([
    [{ url: "ftp://example.com/" }, "must be a URL"],
    [{ url: "https://user:word@example.com/" }, "credentials"],
    [{ events: [] }, "must not be empty"],
    [{ events: ["order.paid"] }, "must be one of user.registered"],
    [{ events: ["order.placed", "order.placed"] }, "must not contain an event twice"],
  ])("cannot be %j", async (wrong, message) => {
    const input = { url: receiver.url, events: ["order.placed"], ...wrong };
    const variables = { input };
    const { code, errors } = await shop.graphql(createDocument, { variables, token: admin.token });
    expect(code).toBe("BAD_USER_INPUT");
    expect(JSON.stringify(errors)).toContain(message);
  });

  test("cannot be an update without a change, or of an unknown webhook", async () => {
    const document =
      "mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) { id } }";
    expect(await codeOf(document, { input: { id: webhook.id } })).toBe("BAD_USER_INPUT");
    expect(await codeOf(document, { input: { id: unknownId, enabled: true } })).toBe(
      "WEBHOOK_NOT_FOUND",
    );
    expect(await codeOf(`{ webhook(id: "${unknownId}") { id } }`)).toBe("WEBHOOK_NOT_FOUND");
    for (const mutation of ["deleteWebhook", "rotateWebhookSecret", "redriveWebhook"]) {
      const selection = { deleteWebhook: "success", redriveWebhook: "redriven" }[mutation];
      const sent = `mutation { ${mutation}(id: "${unknownId}") { ${selection ?? "secret"} } }`;
      expect(await codeOf(sent)).toBe("WEBHOOK_NOT_FOUND");
    }
  });
});

test("changes are in the audit trail, without the path of the URL", async () => {
  await dataOf(
    `mutation { updateWebhook(input: { id: "${webhook.id}", url: "${receiver.url}?key=hidden", events: ["order.placed"], description: "Till" }) { id } }`,
  );
  const { webhook: read } = await dataOf<{ webhook: Webhook }>(
    `{ webhook(id: "${webhook.id}") { ${webhookFields} } }`,
  );
  expect(read).toMatchObject({ url: `${receiver.url}?key=hidden`, description: "Till" });
  const { webhooksAudit } = await dataOf<{ webhooksAudit: Record<string, string>[] }>(
    "{ webhooksAudit(limit: 2) { action outcome actorId subjectId detail } }",
  );
  const entry = { outcome: "OK", actorId: admin.id, subjectId: webhook.id };
  expect(webhooksAudit).toMatchObject([
    { action: "WEBHOOK_UPDATED", ...entry },
    { action: "WEBHOOK_CREATED", ...entry },
  ]);
  expect(JSON.parse(webhooksAudit[0]?.detail ?? "")).toEqual({
    origin: new URL(receiver.url).origin,
    events: "order.placed",
    description: "changed",
  });
});

test("a retried creation returns the same webhook and secret, and stores no plain secret", async () => {
  const input = { url: receiver.url, events: ["order.placed"] };
  const request = {
    variables: { input },
    token: admin.token,
    headers: { "idempotency-key": "one-webhook" },
  };
  const [first, second] = [
    await shop.graphql(createDocument, request),
    await shop.graphql(createDocument, request),
  ];
  expect(first.errors).toBeUndefined();
  expect(second.data).toEqual(first.data);
  const created = (first.data as { createWebhook: { secret: string; webhook: Webhook } })
    .createWebhook;
  const [stored] = await shop.databases.query<{ all: string }>(
    "webhooks",
    `SELECT string_agg(k::text, '') || (SELECT string_agg(w::text, '') FROM webhooks w) AS all
     FROM idempotency_keys k`,
  );
  expect(stored?.all).toContain(created.webhook.id);
  expect(stored?.all).not.toContain(created.secret.slice("whsec_".length));
  await shop.call("webhooks.delete", { id: created.webhook.id });
});

test("a deleted webhook is not listed, and its deliveries are removed", async () => {
  receiver.respond(() => 500);
  await placeOrder();
  await attempts(1);
  const { webhook: other } = await create(["order.placed"]);
  await dataOf(`mutation { deleteWebhook(id: "${other.id}") { success } }`);
  const { webhooks } = await dataOf<{ webhooks: Webhook[] }>("{ webhooks { id } }");
  expect(webhooks.map(({ id }) => id)).toContain(webhook.id);
  expect(webhooks.map(({ id }) => id)).not.toContain(other.id);
  expect(await codeOf(`{ webhook(id: "${other.id}") { id } }`)).toBe("WEBHOOK_NOT_FOUND");
});

test("the erasure of a user removes the name from the copies of events, and is delivered", async () => {
  receiver.respond(() => 500);
  const events = ["user.registered", "user.erased"];
  await shop.call("webhooks.update", { id: webhook.id, events });
  const { id } = await shop.signIn("Erasmus");
  await attempts(1);
  expect((await copies()).map(({ data }) => data)).toMatchObject([{ username: "Erasmus" }]);
  await shop.call("users.erase", { id });
  await eventually("the erasure is applied", async () => {
    expect((await copies()).map(({ data }) => data)).toEqual([
      { user_id: id, username: "erased", type: 0 },
      { user_id: id },
    ]);
    return true;
  });
});

test("metrics count the attempts", async () => {
  await placeOrder();
  await settledIn("DELIVERED");
  const counted = await Promise.all(
    [shop, replica].map(async ({ url }) => (await fetch(`${url}/metrics`)).text()),
  );
  expect(counted.join("\n")).toMatch(/shop_webhooks_attempts_total\{.*outcome="delivered".*\} \d/);
});
