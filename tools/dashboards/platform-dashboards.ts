import { graph, type Dashboard } from "./grafana.ts";

const databases: Dashboard = {
  uid: "databases",
  title: "Databases",
  panels: [
    graph("Statements", "ops", {
      "{{service}}": `sum by (service) (rate(shop_database_statement_duration_seconds_count[$__rate_interval]))`,
    }),
    graph("Time spent, by statement (top 10)", "percentunit", {
      "{{service}}: {{statement}}": `topk(10, sum by (service, statement) (rate(shop_database_statement_duration_seconds_sum[$__rate_interval])))`,
    }),
    graph("Mean duration, by statement (top 10)", "s", {
      "{{service}}: {{statement}}": `topk(10, sum by (service, statement) (rate(shop_database_statement_duration_seconds_sum[$__rate_interval])) / sum by (service, statement) (rate(shop_database_statement_duration_seconds_count[$__rate_interval])))`,
    }),
    graph("p99 of all statements", "s", {
      "{{service}}": `histogram_quantile(0.99, sum by (le, service) (rate(shop_database_statement_duration_seconds_bucket[$__rate_interval])))`,
    }),
    graph("Failed statements, also of violated constraints", "ops", {
      "{{service}}: {{statement}}": `sum by (service, statement) (rate(shop_database_statement_errors_total[$__rate_interval]))`,
    }),
    graph("Connections in use", "percentunit", {
      "{{service}} on {{nodeID}}": `sum by (service, nodeID) (shop_database_pool_connections{state="used"}) / sum by (service, nodeID) (shop_database_pool_limit)`,
    }),
    graph("Connections by state", "short", {
      "{{service}} {{state}}": `sum by (service, state) (shop_database_pool_connections)`,
    }),
    graph("Work that waits for a connection", "short", {
      "{{service}} on {{nodeID}}": `max by (service, nodeID) (shop_database_pool_waiting)`,
    }),
    graph("p99 of the wait for a connection", "s", {
      "{{service}}": `histogram_quantile(0.99, sum by (le, service) (rate(shop_database_pool_wait_seconds_bucket[$__rate_interval])))`,
    }),
    graph("Databases that refuse writes", "short", {
      "{{service}}": `max by (service) (shop_database_read_only)`,
    }),
    graph("Free space of disks", "percentunit", {
      "{{mountpoint}}": `node_filesystem_avail_bytes{fstype!~"tmpfs|squashfs|iso9660"} / node_filesystem_size_bytes`,
    }),
  ],
};

const nats: Dashboard = {
  uid: "nats",
  title: "NATS",
  panels: [
    graph("Nodes connected to NATS", "short", {
      connected: `sum(moleculer_transit_connected)`,
    }),
    graph("Nodes that a node can call", "short", {
      most: `max(moleculer_registry_nodes_online_total)`,
      fewest: `min(moleculer_registry_nodes_online_total)`,
    }),
    graph("Reconnections", "ops", {
      "{{nodeID}}": `sum by (nodeID) (rate(shop_nats_reconnects_total[$__rate_interval]))`,
    }),
    graph("Calls of other nodes", "ops", {
      "{{action}}": `sum by (action) (rate(moleculer_request_total{type="remote"}[$__rate_interval]))`,
    }),
    graph("p99 of calls of other nodes", "ms", {
      "{{action}}": `histogram_quantile(0.99, sum by (le, action) (rate(moleculer_request_time_bucket{type="remote"}[$__rate_interval])))`,
    }),
    graph("Messages of the server", "ops", {
      in: `sum(rate(nats_varz_in_msgs[$__rate_interval]))`,
      out: `sum(rate(nats_varz_out_msgs[$__rate_interval]))`,
    }),
    graph("Bytes of the server", "Bps", {
      in: `sum(rate(nats_varz_in_bytes[$__rate_interval]))`,
      out: `sum(rate(nats_varz_out_bytes[$__rate_interval]))`,
    }),
    graph("Connections and slow consumers of the server", "short", {
      connections: `sum(nats_varz_connections)`,
      "slow consumers": `sum(nats_varz_slow_consumers)`,
    }),
    graph("Memory of the server", "bytes", { "{{instance}}": `nats_varz_mem` }),
  ],
};

const node: Dashboard = {
  uid: "node",
  title: "Nodes",
  panels: [
    graph("CPU", "percentunit", {
      "{{nodeID}}": `rate(process_cpu_seconds_total{job="shop"}[$__rate_interval])`,
    }),
    graph("Use of the event loop", "percentunit", {
      "{{nodeID}}": `rate(nodejs_eventloop_active_seconds_total[$__rate_interval])`,
    }),
    graph("Delay of the event loop", "s", {
      "p50 {{nodeID}}": `nodejs_eventloop_lag_p50_seconds`,
      "p99 {{nodeID}}": `nodejs_eventloop_lag_p99_seconds`,
      "max {{nodeID}}": `nodejs_eventloop_lag_max_seconds`,
    }),
    graph("Resident memory", "bytes", { "{{nodeID}}": `process_memory_rss` }),
    graph("Heap", "bytes", {
      "used {{nodeID}}": `process_memory_heap_size_used`,
      "total {{nodeID}}": `process_memory_heap_size_total`,
      "external {{nodeID}}": `process_memory_external`,
    }),
    graph("Time in garbage collections", "percentunit", {
      "{{kind}} {{nodeID}}": `sum by (kind, nodeID) (rate(nodejs_gc_duration_seconds_sum[$__rate_interval]))`,
    }),
    graph("Calls", "ops", {
      "{{action}}": `sum by (action) (rate(moleculer_request_total{type="local"}[$__rate_interval]))`,
    }),
    graph("Failed calls", "ops", {
      "{{action}}: {{errorType}}": `sum by (action, errorType) (rate(moleculer_request_error_total{type="local"}[$__rate_interval]))`,
    }),
    graph("Running and queued calls", "short", {
      "running {{action}}": `sum by (action) (moleculer_request_bulkhead_inflight)`,
      "queued {{action}}": `sum by (action) (moleculer_request_bulkhead_queue_size)`,
    }),
    graph("Password hashes", "short", {
      running: `sum(shop_password_hashes_running)`,
      waiting: `sum(shop_password_hashes_waiting)`,
    }),
    graph("Difference between the clock of a node and the others", "s", {
      "{{nodeID}}: {{other}}": `shop_clock_difference_seconds`,
    }),
    graph("CPU of the machine", "percent", { "{{nodeID}}": `os_cpu_utilization` }),
    graph("Time since the start", "s", {
      "{{nodeID}}": `time() - process_start_time_seconds{job="shop"}`,
    }),
  ],
};

/** Dashboards of what the services run on. */
export const platformDashboards: Dashboard[] = [databases, nats, node];
