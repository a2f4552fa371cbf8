import type { Context, Middleware, ServiceBroker } from "moleculer";
import { CallMetrics, type LabelledSeries } from "../../broker/call-metrics.ts";
import { callSeriesOf, updateBeforeSnapshots } from "../../broker/metric-series.ts";
import {
  messageHooks,
  messageMetricNames,
  setMessageGauges,
} from "../../broker/message-metrics.ts";
import { originals } from "./originals.ts";
import { processMetrics } from "../../broker/process-metrics.ts";
import { instrumentsOf, type Instruments } from "../../core/metrics/instruments.ts";

type Next = (ctx: Context) => Promise<unknown>;

/** The metrics of calls and events. */
const requests = {
  total: "moleculer.request.total",
  active: "moleculer.request.active",
  levels: "moleculer.request.levels",
  time: "moleculer.request.time",
  errors: "moleculer.request.error.total",
} as const;
const received = {
  total: "moleculer.event.received.total",
  active: "moleculer.event.received.active",
  time: "moleculer.event.received.time",
  errors: "moleculer.event.received.error.total",
} as const;
const emitted = "moleculer.event.emit.total";

/** The interval of flushes between snapshots. Moleculer updates its rates at the same interval. */
const flushEveryMs = 5_000;

/**
 * Moleculer's metrics with the same series at a fraction of the CPU time. Moleculer builds the same
 * label objects and their texts nine times per call. This middleware counts in plain numbers.
 */
export function metricsMiddleware(broker: ServiceBroker): Middleware {
  const original = originals.Metrics(broker);
  if (!broker.isMetricsEnabled()) return original;
  const { metrics } = broker;
  const calls = new CallMetrics(metrics);
  const flush = () => {
    calls.flush();
    setMessageGauges(metrics, broker.transit);
  };
  let timer: NodeJS.Timeout | undefined;
  let stopProcessMetrics: (() => void) | undefined;

  return {
    ...original,
    ...messageHooks(calls.counterOf),
    created() {
      original.created?.(broker);
      const ofCalls = [...Object.values(requests), ...Object.values(received), emitted];
      updateBeforeSnapshots(metrics, [...ofCalls, ...messageMetricNames], flush);
      timer = setInterval(flush, flushEveryMs).unref();
      const instruments = instrumentsOf(broker);
      stopProcessMetrics = processMetrics(instruments);
      countReconnects(broker, instruments);
    },
    async stopped() {
      clearInterval(timer);
      stopProcessMetrics?.();
      await original.stopped?.(broker);
    },
    ...callHooks(broker, calls),
    ...eventHooks(calls),
  } as unknown as Middleware;
}

/** Counts the calls of each action by caller, and by their depth. */
function callHooks(broker: ServiceBroker, calls: CallMetrics) {
  const levels = new Map<unknown, { count: number }>();

  const hook =
    (type: "local" | "remote") =>
    (next: Next, { name, service }: { name: string; service?: { fullName: string } }) => {
      const called = service?.fullName ?? null;
      const seriesOf = (caller: unknown) => {
        const labels = { service: called, action: name, caller, type };
        const made = calls.seriesOf(requests, labels);
        if (type === "local" && called !== null) {
          const from = typeof caller === "string" ? caller : "operator";
          callSeriesOf(broker).push({
            caller: from,
            service: called,
            action: name,
            series: made.series,
          });
        }
        return made;
      };
      const callers = new Map<unknown, LabelledSeries>();
      return (ctx: Context) => {
        const series = getOrAdd(callers, ctx.caller, seriesOf);
        const ofLevel = (level: unknown) => calls.counterOf(requests.levels, { level });
        getOrAdd(levels, ctx.level, ofLevel).count += 1;
        return calls.counted(requests.errors, series, () => next(ctx));
      };
    };

  return { localAction: hook("local"), remoteAction: hook("remote") };
}

/** Counts emitted events, and received events by their handler's service and by caller. */
function eventHooks(calls: CallMetrics) {
  const emittedEvents = new Map<unknown, { count: number }>();

  return {
    localEvent(next: Next, event: { group?: string; service?: { name: string } }) {
      const service = event.service?.name ?? null;
      const group = event.group ?? service;
      const names = new Map<unknown, Map<unknown, LabelledSeries>>();
      return function (this: unknown, ctx: Context) {
        const callers = getOrAdd(names, ctx.eventName, () => new Map<unknown, never>());
        const series = getOrAdd(callers, ctx.caller, (caller) =>
          calls.seriesOf(received, { service, event: ctx.eventName, group, caller }),
        );
        return calls.counted(received.errors, series, () => next.call(this, ctx));
      };
    },
    emit(next: (...args: unknown[]) => unknown) {
      return function (this: unknown, ...args: unknown[]) {
        const ofEvent = (event: unknown) => calls.counterOf(emitted, { event });
        getOrAdd(emittedEvents, args[0], ofEvent).count += 1;
        return next.apply(this, args);
      };
    },
  };
}

function countReconnects(broker: ServiceBroker, instruments: Instruments): void {
  const help = "Connections to NATS that were restored";
  const reconnects = instruments.counter("shop_nats_reconnects_total", help);
  broker.localBus.on("$transporter.connected", ({ wasReconnect }: { wasReconnect: boolean }) => {
    if (wasReconnect) reconnects.add();
  });
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: (key: Key) => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make(key)));
  return value;
}
