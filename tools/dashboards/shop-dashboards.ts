import { graph, heatmap, logs, stat, table, warnings, type Dashboard } from "./grafana.ts";
import { platformDashboards } from "./platform-dashboards.ts";

/** The codes that use the error budget. */
const faults = 'code=~"INTERNAL_SERVER_ERROR|SERVICE_UNAVAILABLE"';

/** The requests of the range that overloaded gateways refused: they are no operations. */
const refused = `(sum(increase(shop_requests_throttled_total{limit="gateway"}[$__range])) or vector(0))`;

const overview: Dashboard = {
  uid: "overview",
  title: "Shop overview",
  panels: [
    stat(
      "Operations that do not fail, in the range",
      "percentunit",
      `1 - (sum(increase(shop_graphql_operations_total{${faults}}[$__range])) + ${refused}) / (sum(increase(shop_graphql_operations_total[$__range])) + ${refused})`,
    ),
    stat(
      "Operations within 0.5 s, in the range",
      "percentunit",
      `sum(increase(shop_graphql_operation_duration_seconds_bucket{le="0.5"}[$__range])) / sum(increase(shop_graphql_operation_duration_seconds_count[$__range]))`,
    ),
    stat(
      "Error budget left, 30 days",
      "percentunit",
      `1 - sum_over_time(shop:operations_failed:rate5m[30d]) / sum_over_time(shop:operations:rate5m[30d]) / 0.001`,
    ),
    table("Firing alerts", `ALERTS{alertstate="firing"}`),
    graph("Nodes that answer", "short", { "{{app}}": `count by (app) (up{job="shop"} == 1)` }),
    graph("Operations", "ops", {
      "{{operation}}": `sum by (operation) (rate(shop_graphql_operations_total[$__rate_interval]))`,
    }),
    graph("Failed operations", "ops", {
      "{{code}}": `sum by (code) (rate(shop_graphql_operations_total{${faults}}[$__rate_interval]))`,
    }),
    graph("Duration of operations", "s", {
      p50: quantileOf(0.5, "shop_graphql_operation_duration_seconds"),
      p95: quantileOf(0.95, "shop_graphql_operation_duration_seconds"),
      p99: quantileOf(0.99, "shop_graphql_operation_duration_seconds"),
    }),
    graph("Orders", "ops", {
      "{{status}}": `sum by (status) (rate(shop_order_steps_total[$__rate_interval]))`,
    }),
    graph("Event lag", "s", {
      "{{producer}} to {{consumer}}": `max by (producer, consumer) (shop_event_lag_seconds)`,
    }),
    graph("Dead letters", "short", {
      "{{producer}} to {{consumer}}": `max by (producer, consumer) (shop_dead_letters)`,
    }),
    graph("CPU of the nodes", "percentunit", {
      "{{app}}": `sum by (app) (rate(process_cpu_seconds_total{job="shop"}[$__rate_interval]))`,
    }),
    logs("Warnings and errors", warnings),
  ],
};

const orders: Dashboard = {
  uid: "orders",
  title: "Orders and stock",
  panels: [
    graph("Steps of orders", "ops", {
      "{{status}}": `sum by (status) (rate(shop_order_steps_total[$__rate_interval]))`,
    }),
    graph("Rejected orders", "ops", {
      "{{code}}": `sum by (code) (rate(shop_orders_rejected_total[$__rate_interval]))`,
    }),
    graph("Revenue, minor units per second", "short", {
      revenue: `sum(rate(shop_orders_revenue_minor_units_total[$__rate_interval]))`,
    }),
    graph("Products sold out", "ops", {
      products: `sum(rate(shop_stock_outs_total[$__rate_interval]))`,
    }),
    graph("Reservations held", "short", { held: `max(shop_reservations_held)` }),
    graph("Age of the oldest reservation", "s", {
      oldest: `max(shop_reservations_oldest_age_seconds)`,
    }),
    stat("Products with wrong stock", "short", `max(shop_stock_audit_differences)`),
    stat("Time since the stock audit", "s", `time() - max(shop_stock_audit_timestamp_seconds)`),
    graph("Answers repeated for idempotency keys", "ops", {
      "{{action}}": `sum by (action) (rate(shop_idempotency_replays_total[$__rate_interval]))`,
    }),
    graph("Logins", "ops", {
      "{{code}}": `sum by (code) (rate(shop_sign_ins_total[$__rate_interval]))`,
    }),
    graph("Attempts to deliver webhooks", "ops", {
      "{{outcome}}": `sum by (outcome) (rate(shop_webhooks_attempts_total[$__rate_interval]))`,
    }),
    graph("Pending deliveries", "short", { pending: `max(shop_webhooks_pending)` }),
  ],
};

const events: Dashboard = {
  uid: "events",
  title: "Events",
  panels: [
    graph("Recorded events", "ops", {
      "{{producer}}": `max by (producer) (deriv(shop_event_log_head[$__rate_interval]))`,
    }),
    graph("Events not applied yet", "short", {
      "{{producer}} to {{consumer}}": `max by (producer, consumer) (shop_event_lag_events)`,
    }),
    graph("Age of the oldest event not applied yet", "s", {
      "{{producer}} to {{consumer}}": `max by (producer, consumer) (shop_event_lag_seconds)`,
    }),
    graph("Nodes with a halted feed", "short", {
      "{{producer}} to {{consumer}}: {{reason}}": `sum by (producer, consumer, reason) (shop_event_feed_halted)`,
    }),
    graph("Failed tries of feeds", "ops", {
      "{{producer}} to {{consumer}}": `sum by (producer, consumer) (rate(shop_event_feed_faults_total[$__rate_interval]))`,
    }),
    graph("Dead letters", "short", {
      "{{producer}} to {{consumer}}": `max by (producer, consumer) (shop_dead_letters)`,
    }),
    graph("Dead letters stored and redriven", "ops", {
      "stored, {{producer}} to {{consumer}}": `sum by (producer, consumer) (rate(shop_dead_letters_stored_total[$__rate_interval]))`,
      "redriven, {{producer}} to {{consumer}}": `sum by (producer, consumer) (rate(shop_dead_letters_redriven_total[$__rate_interval]))`,
    }),
    graph("Events received over NATS", "ops", {
      "{{event}}": `sum by (event) (rate(moleculer_event_received_total[$__rate_interval]))`,
    }),
  ],
};

const graphql: Dashboard = {
  uid: "graphql",
  title: "GraphQL",
  panels: [
    graph("Operations by root field", "ops", {
      "{{operation}} {{field}}": `sum by (operation, field) (rate(shop_graphql_operations_total[$__rate_interval]))`,
    }),
    graph("Errors by root field and code", "ops", {
      "{{field}}: {{code}}": `sum by (field, code) (rate(shop_graphql_operations_total{code!="OK"}[$__rate_interval])) > 0`,
      "all fields: {{code}}": `sum by (code) (rate(shop_graphql_operations_total{${faults}}[$__rate_interval]))`,
    }),
    graph("Part of the operations that fails", "percentunit", {
      "{{field}}": `sum by (field) (rate(shop_graphql_operations_total{${faults}}[$__rate_interval])) / (sum by (field) (rate(shop_graphql_operations_total[$__rate_interval])) > 0)`,
    }),
    graph("p50 by root field", "s", {
      "{{field}}": quantileOf(0.5, "shop_graphql_operation_duration_seconds", "field"),
    }),
    graph("p99 by root field", "s", {
      "{{field}}": quantileOf(0.99, "shop_graphql_operation_duration_seconds", "field"),
    }),
    heatmap(
      "Durations",
      `sum by (le) (rate(shop_graphql_operation_duration_seconds_bucket[$__rate_interval]))`,
    ),
    graph("Requests rejected by limits", "reqps", {
      "{{limit}}": `sum by (limit) (rate(shop_requests_throttled_total[$__rate_interval]))`,
    }),
    graph("Gateways that answer", "short", { gateways: `count(up{job="shop", app="api"} == 1)` }),
  ],
};

/** A quantile of a histogram, over all nodes. */
function quantileOf(quantile: number, histogram: string, label?: string): string {
  const labels = ["le", ...(label === undefined ? [] : [label])].join(", ");
  return `histogram_quantile(${quantile}, sum by (${labels}) (rate(${histogram}_bucket[$__rate_interval])))`;
}

/** All dashboards of the shop. */
export const dashboards: Dashboard[] = [overview, orders, events, graphql, ...platformDashboards];
