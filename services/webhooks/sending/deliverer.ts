import type { LookupFunction } from "node:net";
import { commonErrors, hasCode } from "../../../core/errors.ts";
import { PeriodicTask } from "../../../core/tasks/periodic-task.ts";
import { checkUrl, type AddressRules } from "../endpoints/address-rules.ts";
import type { WebhookSecrets } from "../endpoints/webhook-secrets.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { inAttemptSpan } from "./attempt-span.ts";
import { claimDeliveries, type ClaimedDelivery } from "./claim-deliveries.ts";
import { disableWebhook, pauseWebhook } from "./stop-sending.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { retryPauseMs } from "./retry-schedule.ts";
import { sendWebhook, type EndpointAnswer } from "./send-webhook.ts";
import { signatureHeaders } from "./sign-webhook.ts";

/** The dependencies of a `Deliverer`. */
export interface DelivererParts {
  database: WebhooksDatabase;
  secrets: WebhookSecrets;
  rules: AddressRules;
  lookup: LookupFunction;
  onAttempt: (outcome: "delivered" | "failed" | "dead") => void;
  onFault: (fault: unknown) => void;
}

/**
 * The attempts in progress per webhook, on one node. Webhooks share no slots, so that a slow one
 * does not delay the others; their number is limited, and with it the number of connections.
 */
const slotsPerWebhook = 4;
/** The deadline of an attempt, from the resolution of the name to the status of the answer. */
const attemptMs = 8_000;
/** How long a node may hold a lane. Longer than an attempt, so that no other node repeats it. */
const leaseMs = 11_000;
/** How often due lanes are looked for without an event: those of other nodes, and after a pause. */
const pollMs = 5_000;
/** Retries that are due within this time of each other share a timer. */
const retryStepMs = 100;
/** How long a stopping node waits for the attempts in progress. */
const stopMs = 3_000;
/** 410 Gone: the endpoint wants no more events. */
const gone = 410;

/** Sends the pending deliveries of all webhooks. Any number of nodes share the work. */
export class Deliverer {
  readonly #parts: DelivererParts;
  readonly #claims: PeriodicTask;
  /** The attempts in progress, with the ids of their webhooks. */
  readonly #running = new Map<Promise<void>, string>();
  readonly #stopped = new AbortController();
  /** The timers of this node's retries, by the step in which they are due. */
  readonly #retryTimers = new Map<number, NodeJS.Timeout>();
  #isStopping = false;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
    this.#claims = new PeriodicTask(
      pollMs,
      () => this.#claim(),
      (fault) => {
        this.#report(fault);
      },
    );
  }

  start(): void {
    this.#claims.start();
  }

  /** Looks for due deliveries. */
  wake(): void {
    if (!this.#isStopping) this.#claims.trigger();
  }

  /** Starts no more attempts, and ends the running ones after a short time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#retryTimers.values()) clearTimeout(timer);
    await this.#claims.stop();
    const timer = setTimeout(() => {
      this.#stopped.abort();
    }, stopMs);
    await Promise.all(this.#running.keys());
    clearTimeout(timer);
    this.#stopped.abort();
  }

  async #claim(): Promise<void> {
    const { query } = this.#parts.database;
    const busy = new Map<string, number>();
    for (const id of this.#running.values()) busy.set(id, (busy.get(id) ?? 0) + 1);
    const claimed = await claimDeliveries(query, slotsPerWebhook, busy, leaseMs);
    for (const delivery of claimed) {
      const attempt = this.#attempt(delivery)
        .catch((fault: unknown) => {
          // The claim ends, and the delivery is tried again.
          this.#report(fault);
        })
        .finally(() => {
          this.#running.delete(attempt);
          this.wake();
        });
      this.#running.set(attempt, delivery.webhook_id);
    }
  }

  async #attempt(delivery: ClaimedDelivery): Promise<void> {
    const { database, onAttempt } = this.#parts;
    const { attempts, expires_in_ms } = delivery;
    const answer = await this.#send(delivery);
    if (answer.error === null) {
      await finishAttempt(database.query, delivery, answer, { state: "DELIVERED", pauseMs: 0 });
      onAttempt("delivered");
      return;
    }
    if (answer.status === gone) await disableWebhook(database, delivery);
    else if (answer.retryAfterMs !== undefined) {
      await pauseWebhook(database, delivery, answer.retryAfterMs);
    }
    const isDead = expires_in_ms <= 0;
    const wantedMs = Math.max(retryPauseMs(attempts + 1), answer.retryAfterMs ?? 0);
    // The last attempt is made when the time of the delivery is over.
    const pauseMs = Math.min(wantedMs, expires_in_ms);
    await finishAttempt(
      database.query,
      delivery,
      answer,
      isDead ? { state: "DEAD", pauseMs: 0 } : { state: "PENDING", pauseMs },
    );
    if (!isDead) this.#wakeIn(pauseMs);
    onAttempt(isDead ? "dead" : "failed");
  }

  async #send(delivery: ClaimedDelivery): Promise<EndpointAnswer> {
    const { secrets, rules, lookup } = this.#parts;
    const { webhook_id, event_id, type, occurred_at, data, secret, former_secret } = delivery;
    // The settings may have changed since the webhook was created, and `lookup` sees no addresses.
    const { url, fault } = checkUrl(delivery.url, rules);
    if (fault !== undefined) return { status: null, error: `The URL ${fault}`, durationMs: 0 };
    const opened = await secrets.open({ id: webhook_id, secret, former_secret });
    const body = JSON.stringify({ type, timestamp: occurred_at.toISOString(), data });
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(attemptMs)]);
    const headers = signatureHeaders(event_id, delivery.claimed_at, body, opened);
    return inAttemptSpan(delivery, () => sendWebhook({ url, headers, body, lookup, signal }));
  }

  /** Wakes this node at the time of a retry. Polling finds the later ones. */
  #wakeIn(ms: number): void {
    if (ms > pollMs || this.#isStopping) return;
    const step = Math.ceil((performance.now() + ms) / retryStepMs);
    if (this.#retryTimers.has(step)) return;
    const timer = setTimeout(
      () => {
        this.#retryTimers.delete(step);
        this.wake();
      },
      step * retryStepMs - performance.now(),
    );
    this.#retryTimers.set(step, timer);
  }

  #report(fault: unknown): void {
    // While the database is unavailable, deliveries wait.
    if (!hasCode(fault, commonErrors.SERVICE_UNAVAILABLE)) this.#parts.onFault(fault);
  }
}
