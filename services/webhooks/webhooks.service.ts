import type { ServiceBroker, ServiceSchema } from "moleculer";
import { configOf } from "../../config/broker-config.ts";
import { untilAvailable } from "../../core/tasks/until-available.ts";
import { senderOf } from "../../core/access.ts";
import type { Effect, EventEnvelope } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import { auditErasure, auditPruning, FailedAttemptAudit } from "../../database/audit-trail.ts";
import { readAuditTrail } from "../../database/audit-trail-pages.ts";
import type { UserErased } from "../users/users.contract.ts";
import { Deliverer } from "./sending/deliverer.ts";
import { deliveryMetrics } from "./sending/delivery-metrics.ts";
import { deliveryRecorder } from "./deliveries/record-deliveries.ts";
import { checkedLookup, resolveFor } from "./endpoints/address-rules.ts";
import { addSecret } from "./endpoints/add-secret.ts";
import { createWebhook } from "./endpoints/create-webhook.ts";
import { deleteWebhook } from "./endpoints/delete-webhook.ts";
import { listWebhooks, readWebhook } from "./endpoints/read-webhooks.ts";
import { rotateSecret } from "./endpoints/rotate-secret.ts";
import { updateWebhook } from "./endpoints/update-webhook.ts";
import { WebhookSecrets } from "./endpoints/webhook-secrets.ts";
import { eraseUsers } from "./erase-users.ts";
import { deliveriesOfEvents } from "./deliveries/deliveries-of-events.ts";
import { deliveryConnection } from "./deliveries/page-deliveries.ts";
import { pruneDeliveries } from "./deliveries/prune-deliveries.ts";
import { redriveAll, redriveDelivery } from "./deliveries/redrive-deliveries.ts";
import { webhookEvents, webhookProducers, webhooksContract } from "./webhooks.contract.ts";
import { openWebhooksDatabase } from "./webhooks.database.ts";

const pruneEveryMs = 60_000;

export default function webhooksService(broker: ServiceBroker): ServiceSchema {
  const config = configOf(broker);
  const rules = config.webhooks;
  const database = openWebhooksDatabase(config);
  const { query } = database;
  const secrets = new WebhookSecrets(config.keyEncryptionSecret);
  const connection = deliveryConnection(database);
  const failedAttempts = new FailedAttemptAudit(query);
  const attempts = deliveryMetrics(instrumentsOf(broker), query);
  const deliverer = new Deliverer({
    database,
    secrets,
    rules,
    lookup: checkedLookup(rules, resolveFor(rules)),
    onAttempt: (outcome) => {
      attempts.of({ outcome }).add();
    },
    onFault: (fault) => {
      broker.logger.error("A webhook could not be sent.", fault);
    },
  });
  const wake = () => {
    deliverer.wake();
  };
  const recorder = deliveryRecorder(query, wake);

  return defineService(webhooksContract, {
    uses: webhookProducers,
    database,
    startFrom: "now",
    actions: {
      get: ({ params: { id } }) => readWebhook(query, id),
      list: ({ params: { limit } }) => listWebhooks(query, limit),
      create: async (ctx) => {
        const webhook = await database.idempotent(ctx, (db) =>
          createWebhook(db, { secrets, rules }, ctx.params, senderOf(ctx)),
        );
        return addSecret(query, secrets, webhook);
      },
      update: async (ctx) => {
        const webhook = await database.idempotent(ctx, (db) =>
          updateWebhook(db, rules, ctx.params, senderOf(ctx)),
        );
        wake();
        return webhook;
      },
      delete: (ctx) =>
        database.idempotent(ctx, (db) => deleteWebhook(db, ctx.params.id, senderOf(ctx))),
      rotateSecret: async (ctx) => {
        const webhook = await database.idempotent(ctx, (db) =>
          rotateSecret(db, secrets, ctx.params.id, senderOf(ctx)),
        );
        return addSecret(query, secrets, webhook);
      },
      deliveries: ({ params }) => connection.page(params),
      deliveriesOf: ({ params: { eventIds } }) => deliveriesOfEvents(query, eventIds),
      countDeliveries: ({ params }) => connection.count(params),
      redriveAll: async (ctx) => {
        const redriven = await database.idempotent(ctx, (db) =>
          redriveAll(db, ctx.params.id, senderOf(ctx)),
        );
        wake();
        return redriven;
      },
      redriveDelivery: async (ctx) => {
        const redriven = await database.idempotent(ctx, (db) =>
          redriveDelivery(db, ctx.params.id, senderOf(ctx)),
        );
        wake();
        return redriven;
      },
      auditTrail: ({ params }) => readAuditTrail(query, params),
    },
    // One handler for all other events: the consumer passes them in batches of several types.
    consumes: {
      ...Object.fromEntries(webhookEvents.map((type) => [type, recorder])),
      "user.erased": {
        async handleBatch(events: EventEnvelope<UserErased>[], effect: Effect) {
          await recorder.handleBatch(events, effect);
          await eraseUsers(events, effect);
        },
      },
    },
    periodically: [
      { everyMs: pruneEveryMs, run: () => pruneDeliveries(query, config.webhooks.keepMs) },
      auditErasure(database),
      auditPruning(database, config.auditKeepMs),
    ],
    onAccessDenied: (ctx, denial) => failedAttempts.onAccessDenied(ctx, denial),
    async started() {
      await untilAvailable(() => secrets.sealAll(query));
      deliverer.start();
    },
    stopped: () => deliverer.stop(),
  });
}
