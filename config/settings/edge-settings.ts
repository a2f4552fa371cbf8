import { isHost } from "../../core/network/host-name.ts";
import type { Setting } from "./setting.ts";

export const edge = {
  PORT: {
    type: "integer",
    min: 0,
    max: 65_535,
    default: 8080,
    description: "Port of the playground, GraphQL and the health checks. 0 chooses a free port.",
  },
  HOST: {
    type: "text",
    default: "127.0.0.1",
    pattern: { test: isHost },
    requirement: "be an IPv4 address in four parts, an IPv6 address or a host name",
    description:
      "Address to listen on, for all ports. With the default, only this machine reaches the shop. 0.0.0.0 makes it reachable from other machines; the container image sets that.",
  },
  TRUSTED_PROXIES: {
    type: "list",
    items: "IP addresses, ranges like 10.0.0.0/8 (from /1 on), loopback, linklocal or uniquelocal",
    example: "10.0.0.5,192.168.0.0/16",
    description:
      "Proxies whose X-Forwarded-For is trusted. They must overwrite the header. Not set: the address of the connection counts.",
  },
  CORS_ORIGINS: {
    type: "list",
    items: "origins",
    example: "https://shop.example,https://admin.shop.example",
    description:
      "Origins of other sites whose pages may call the API. Not set: only the playground.",
  },
  RATE_LIMIT_PER_SECOND: {
    type: "integer",
    min: 0,
    max: 1_000_000_000,
    default: 2_000,
    description:
      "Rate limit: query cost per second for one caller (a user, or else an address) at one gateway, after a first burst of 200,000. A field costs 1 (below a list: 1 per row), a mutation 10, a sign-in 100. Admins are charged a tenth. 0: no limit.",
  },
  PERSISTED_DOCUMENTS: {
    type: "file",
    example: "/etc/shop/documents.json",
    description:
      'Persisted documents that clients call by their SHA-256: a JSON file, { "<hash>": "<document>" } or an Apollo manifest.',
  },
  ONLY_PERSISTED: {
    type: "flag",
    default: false,
    description: "true rejects all documents that are not in PERSISTED_DOCUMENTS.",
  },
  NODE_ENV: {
    type: "text",
    // A mistyped "production" would leave the features for developers on.
    pattern: { test: (text) => text === "production" || text.toLowerCase() !== "production" },
    requirement: 'be spelled "production", in lower case',
    example: "production",
    description: "production changes the defaults of INTROSPECTION and PLAYGROUND to false.",
  },
  INTROSPECTION: {
    type: "flag",
    example: "true",
    defaultInWords: "true; false with NODE_ENV=production",
    description:
      'Serves introspection queries and GET /schema.graphql, and adds "Did you mean …" to error messages.',
  },
  PLAYGROUND: {
    type: "flag",
    example: "true",
    defaultInWords: "true; false with NODE_ENV=production",
    description: "Serves the playground at GET /.",
  },
  CONSOLE: {
    type: "flag",
    default: true,
    description:
      "Serves the console, the page for customers and admins, at GET /console. false also turns off the GraphQL fields that show and repair the cluster, and the rates that the nodes keep for them.",
  },
  GRAPHQL_DISCOVERY: {
    type: "flag",
    default: true,
    description:
      "Adds fields of services outside this project to the GraphQL schema (docs/extending.md).",
  },
  ACCESS_LOG: {
    type: "flag",
    default: false,
    description: "true logs one line for each request to the gateway.",
  },
  SLOW_OPERATION_MS: {
    type: "integer",
    min: 1,
    max: 60_000,
    default: 1_000,
    description: "The gateway logs each operation that takes at least this time, in milliseconds.",
  },
  METRICS: {
    type: "flag",
    default: true,
    description: "Counts and times calls and events for Prometheus: GET /metrics.",
  },
  METRICS_PORT: {
    type: "integer",
    min: 1,
    max: 65_535,
    example: "9464",
    description: "Serves Prometheus metrics on this port instead of GET /metrics on PORT.",
  },
  HEALTH_PORT: {
    type: "integer",
    min: 1,
    max: 65_535,
    example: "8081",
    description:
      "Port of a cluster node's health checks: /health/live, /health/ready. Not set: a node without the gateway has none.",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    type: "URL",
    protocols: ["http:", "https:"],
    example: "http://localhost:4318",
    description:
      "The OpenTelemetry collector that gets traces. Not set: no traces. The other standard variables of OpenTelemetry for traces, such as OTEL_TRACES_SAMPLER, work too.",
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    type: "URL",
    protocols: ["http:", "https:"],
    example: "http://localhost:4318/v1/traces",
    description: "The same, with the whole path.",
  },
  OTEL_TRACES_EXPORTER: {
    type: "list",
    items: "otlp, console, none",
    example: "otlp",
    description: "Where traces go. Not set: otlp, if an endpoint is set.",
  },
  OTEL_SDK_DISABLED: {
    type: "flag",
    default: false,
    description: "Turns traces off.",
  },
} as const satisfies Record<string, Setting>;
