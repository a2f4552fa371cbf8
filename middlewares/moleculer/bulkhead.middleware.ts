import { Errors, type Context, type Middleware, type Service, type ServiceBroker } from "moleculer";
import { updateBeforeSnapshots } from "../../broker/metric-series.ts";
import { originals } from "./originals.ts";
import { codeOf, isUnreachable } from "../../core/errors.ts";
import { LoadLimit } from "./load-limit.ts";

type Call = Context<unknown, object, { startByMs?: number }>;
type Handler = (ctx: Call) => Promise<unknown>;

interface Action {
  name: string;
  service?: Service;
  bulkhead?: { enabled?: boolean; concurrency?: number; maxQueueSize?: number };
}

interface Waiting {
  ctx: Call;
  resolve: (result: Promise<unknown>) => void;
  reject: (error: Error) => void;
}

const inFlight = "moleculer.request.bulkhead.inflight";
const queueSize = "moleculer.request.bulkhead.queue.size";

/**
 * Moleculer's `bulkhead` of actions with protection from overload. Without it, a node that has once
 * more calls than it can answer works only on calls whose callers have given up, also when the load
 * has become normal again, because their retries follow.
 * - A call that has waited in the queue for half of its time is not started.
 * - Calls beyond the `LoadLimit` of the action are rejected with QUEUE_FULL.
 * The metrics are set when they are read: Moleculer sets them eight times per call.
 */
export function bulkheadMiddleware(broker: ServiceBroker): Middleware {
  const original = originals.Bulkhead(broker);
  const gauges: (() => void)[] = [];

  function localAction(next: Handler, action: Action): Handler {
    const options = { ...broker.options.bulkhead, ...action.bulkhead };
    if (options.enabled !== true) return next;
    const { concurrency = Infinity, maxQueueSize = 0 } = options;
    // As in Moleculer, 0 is no limit.
    const maxQueued = maxQueueSize === 0 ? Infinity : maxQueueSize;
    const limit = new LoadLimit();
    const queue: Waiting[] = [];
    let running = 0;
    const labels = { action: action.name, service: action.service?.fullName };
    gauges.push(() => {
      broker.metrics.set(inFlight, running, labels);
      broker.metrics.set(queueSize, queue.length, labels);
    });

    async function run(ctx: Call): Promise<unknown> {
      running += 1;
      try {
        return await next(ctx);
      } finally {
        limit.end(ctx, true);
        running -= 1;
        startNext();
      }
    }

    function startNext(): void {
      for (let head = queue.shift(); head !== undefined; head = queue.shift()) {
        const { ctx, resolve, reject } = head;
        const { startByMs = Infinity } = ctx.locals;
        if (performance.now() <= startByMs) {
          resolve(run(ctx));
          return;
        }
        limit.end(ctx, false);
        reject(queueFull(ctx));
      }
    }

    function enter(ctx: Call): Promise<unknown> {
      const isFull = running >= concurrency && queue.length >= maxQueued;
      if (isFull) return Promise.reject(queueFull(ctx));
      limit.begin(ctx, ctx.locals.startByMs);
      if (running < concurrency) return run(ctx);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      queue.push({ ctx, resolve, reject });
      return promise;
    }

    return (ctx) => (limit.admits(ctx.locals.startByMs) ? enter(ctx) : rejectLate(ctx));
  }

  return {
    ...original,
    created() {
      original.created?.(broker);
      if (!broker.isMetricsEnabled()) return;
      updateBeforeSnapshots(broker.metrics, [inFlight, queueSize], () => {
        for (const setGauges of gauges) setGauges();
      });
    },
    localAction,
  } as unknown as Middleware;
}

/**
 * Rejects calls to a node that has more of them than it answers in time; see `LoadLimit`. It is
 * outside Moleculer's timeout, because Moleculer never ends a call that was not answered, and inside
 * its retries, which may choose another node.
 */
export function loadLimitMiddleware(): Middleware {
  return {
    name: "LoadLimit",
    remoteAction(next: Handler): Handler {
      const limit = new LoadLimit();
      return async (ctx) => {
        const { startByMs } = ctx.locals;
        if (!limit.admits(startByMs)) await rejectLate(ctx);
        limit.begin(ctx, startByMs);
        let isAnswered = true;
        try {
          return await next(ctx);
        } catch (error) {
          isAnswered = !isUnreachable(codeOf(error));
          throw error;
        } finally {
          limit.end(ctx, isAnswered);
        }
      };
    },
  };
}

/**
 * Rejects a call that the limit does not admit, at a random moment in the first half of its time. A
 * rejection without a wait would make clients send their retries sooner, and so many that a gateway
 * has time for nothing else. Rejections at one moment would make the retries come at one moment, too.
 */
async function rejectLate(ctx: Call): Promise<never> {
  const { startByMs = 0 } = ctx.locals;
  const waitMs = Math.random() * Math.max(0, startByMs - performance.now());
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  throw queueFull(ctx);
}

function queueFull(ctx: Call): Errors.QueueIsFullError {
  return new Errors.QueueIsFullError({ action: ctx.action?.name, nodeID: ctx.nodeID });
}
