import type { Context, Errors, Middleware, ServiceBroker } from "moleculer";
import { MetricSeries, type Labels, type SeriesNames } from "../broker/metric-series.ts";
import { moleculers } from "../broker/moleculer-middlewares.ts";

type Next = (ctx: Context) => Promise<unknown>;

/** Metrics that are written at each call or event. */
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

/** How often what was counted is handed on, when nobody looks: Moleculer's rates are made as often. */
const handOnEveryMs = 5_000;

/**
 * Moleculer's metrics with the same series, at a part of their price: for each call it makes the
 * same label objects and their texts anew, nine times. Here calls are counted in plain numbers.
 */
export function metricsMiddleware(broker: ServiceBroker): Middleware {
  const own = moleculers.Metrics(broker);
  if (!broker.isMetricsEnabled()) return own;
  const { metrics } = broker;
  const all: MetricSeries[] = [];
  let timer: NodeJS.Timeout | undefined;

  function handOn(): void {
    for (const series of all) series.handOn(metrics);
    for (const counter of counters) {
      const { name, labels, count } = counter;
      if (count > 0) metrics.increment(name, labels, count);
      counter.count = 0;
    }
  }

  /** Counts in a plain number. */
  const counters: { name: string; labels: Labels; count: number }[] = [];
  function counterOf(name: string, labels: Labels) {
    const counter = { name, labels, count: 0 };
    counters.push(counter);
    return counter;
  }

  function seriesOf(names: SeriesNames, labels: Labels) {
    const series = new MetricSeries(metrics, names, labels);
    all.push(series);
    return { series, labels };
  }

  /** Counts and times what `next` does. */
  async function counted(
    { errors }: typeof requests | typeof received,
    { series, labels }: ReturnType<typeof seriesOf>,
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    const begun = performance.now();
    series.begin();
    try {
      return await work();
    } catch (error) {
      const { name, code, type } = (error ?? {}) as Partial<Errors.MoleculerError>;
      const described = { ...labels, errorName: name, errorCode: code, errorType: type };
      metrics.increment(errors, described);
      throw error;
    } finally {
      series.end(performance.now() - begun);
    }
  }

  const levels = new Map<unknown, ReturnType<typeof counterOf>>();
  const events = new Map<unknown, ReturnType<typeof counterOf>>();

  function action(type: "local" | "remote") {
    return (next: Next, { name, service }: { name: string; service?: { fullName: string } }) => {
      const callers = new Map<unknown, ReturnType<typeof seriesOf>>();
      return (ctx: Context) => {
        const series = kept(callers, ctx.caller, (caller) =>
          seriesOf(requests, { service: service?.fullName ?? null, action: name, caller, type }),
        );
        kept(levels, ctx.level, (level) => counterOf(requests.levels, { level })).count += 1;
        return counted(requests, series, () => next(ctx));
      };
    };
  }

  return {
    ...own,
    created() {
      own.created?.(broker);
      for (const name of [...Object.values(requests), ...Object.values(received), emitted]) {
        const metric = metrics.getMetric(name) as unknown as { snapshot: () => unknown };
        const snapshot = metric.snapshot.bind(metric);
        metric.snapshot = () => {
          handOn();
          return snapshot();
        };
      }
      timer = setInterval(handOn, handOnEveryMs).unref();
    },
    async stopped() {
      clearInterval(timer);
      await own.stopped?.(broker);
    },
    localAction: action("local"),
    remoteAction: action("remote"),
    localEvent(next: Next, event: { group?: string; service?: { name: string } }) {
      const service = event.service?.name ?? null;
      const group = event.group ?? service;
      const names = new Map<unknown, Map<unknown, ReturnType<typeof seriesOf>>>();
      return function (this: unknown, ctx: Context) {
        const callers = kept(names, ctx.eventName, () => new Map<unknown, never>());
        const series = kept(callers, ctx.caller, (caller) =>
          seriesOf(received, { service, event: ctx.eventName, group, caller }),
        );
        return counted(received, series, () => next.call(this, ctx));
      };
    },
    emit(next: (...args: unknown[]) => unknown) {
      return function (this: unknown, ...args: unknown[]) {
        kept(events, args[0], (event) => counterOf(emitted, { event })).count += 1;
        return next.apply(this, args);
      };
    },
  } as unknown as Middleware;
}

function kept<Key, Value>(map: Map<Key, Value>, key: Key, make: (key: Key) => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make(key)));
  return value;
}
