import type { Context, Errors, Middleware, ServiceBroker } from "moleculer";
import {
  callSeriesOf,
  MetricSeries,
  updateBeforeSnapshots,
  type MetricLabels,
  type SeriesNames,
} from "../../broker/metric-series.ts";
import {
  messageHooks,
  messageMetricNames,
  setMessageGauges,
} from "../../broker/message-metrics.ts";
import { originals } from "./originals.ts";
import { processMetrics } from "../../broker/process-metrics.ts";
import { isClientError } from "../../core/errors.ts";
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
  const all: MetricSeries[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopProcessMetrics: (() => void) | undefined;

  function flush(): void {
    for (const series of all) series.flush(metrics);
    for (const counter of counters) {
      const { name, labels, count } = counter;
      if (count > 0) metrics.increment(name, labels, count);
      counter.count = 0;
    }
    setMessageGauges(metrics, broker.transit);
  }

  const counters: { name: string; labels: MetricLabels; count: number }[] = [];
  function counterOf(name: string, labels: MetricLabels) {
    const counter = { name, labels, count: 0 };
    counters.push(counter);
    return counter;
  }

  function seriesOf(names: SeriesNames, labels: MetricLabels) {
    const series = new MetricSeries(metrics, names, labels);
    all.push(series);
    return { series, labels };
  }

  async function counted(
    { errors }: typeof requests | typeof received,
    { series, labels }: ReturnType<typeof seriesOf>,
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    const startedMs = performance.now();
    series.begin();
    try {
      return await work();
    } catch (error) {
      const { name, code, type } = (error ?? {}) as Partial<Errors.MoleculerError>;
      const described = { ...labels, errorName: name, errorCode: code, errorType: type };
      metrics.increment(errors, described);
      if (!isClientError(error)) series.fail();
      throw error;
    } finally {
      series.end(performance.now() - startedMs);
    }
  }

  const levels = new Map<unknown, ReturnType<typeof counterOf>>();
  const events = new Map<unknown, ReturnType<typeof counterOf>>();

  function action(type: "local" | "remote") {
    return (next: Next, { name, service }: { name: string; service?: { fullName: string } }) => {
      const callers = new Map<unknown, ReturnType<typeof seriesOf>>();
      return (ctx: Context) => {
        const series = getOrAdd(callers, ctx.caller, (caller) => {
          const called = service?.fullName ?? null;
          const made = seriesOf(requests, { service: called, action: name, caller, type });
          if (type === "local" && called !== null) {
            const from = typeof caller === "string" ? caller : "operator";
            const call = { caller: from, service: called, action: name, series: made.series };
            callSeriesOf(broker).push(call);
          }
          return made;
        });
        getOrAdd(levels, ctx.level, (level) => counterOf(requests.levels, { level })).count += 1;
        return counted(requests, series, () => next(ctx));
      };
    };
  }

  return {
    ...original,
    ...messageHooks(counterOf),
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
    localAction: action("local"),
    remoteAction: action("remote"),
    localEvent(next: Next, event: { group?: string; service?: { name: string } }) {
      const service = event.service?.name ?? null;
      const group = event.group ?? service;
      const names = new Map<unknown, Map<unknown, ReturnType<typeof seriesOf>>>();
      return function (this: unknown, ctx: Context) {
        const callers = getOrAdd(names, ctx.eventName, () => new Map<unknown, never>());
        const series = getOrAdd(callers, ctx.caller, (caller) =>
          seriesOf(received, { service, event: ctx.eventName, group, caller }),
        );
        return counted(received, series, () => next.call(this, ctx));
      };
    },
    emit(next: (...args: unknown[]) => unknown) {
      return function (this: unknown, ...args: unknown[]) {
        getOrAdd(events, args[0], (event) => counterOf(emitted, { event })).count += 1;
        return next.apply(this, args);
      };
    },
  } as unknown as Middleware;
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
