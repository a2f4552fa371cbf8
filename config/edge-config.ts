import { isIP } from "node:net";
import proxyAddr from "proxy-addr";
import type { ConfigReader } from "./config-reader.ts";
import { exampleOf } from "./settings.ts";

/** Settings of the gateway's edge: its clients and their requests. */
export interface EdgeConfig {
  /** Proxies whose X-Forwarded-For is trusted: addresses, CIDR ranges, `loopback`, `uniquelocal`. */
  trustedProxies: string[];
  /** Origins of other sites that may call the API. */
  corsOrigins: string[];
  /** Query cost that is refilled for each caller per second; 0: no limit. */
  rateLimitPerSecond: number;
  /** Manifest of documents that clients call by their hash; `only` rejects all other documents. */
  persistedDocuments: { file: string | undefined; only: boolean };
  introspection: boolean;
  /** Adds fields of services outside the registry to the schema. */
  discovery: boolean;
  playground: boolean;
  /** "Did you mean …" in the messages of invalid documents. */
  suggestions: boolean;
  /** Logs each request. */
  accessLog: boolean;
  /** Operations that take longer are logged. */
  slowOperationMs: number;
}

/** Reads the settings of the edge. `NODE_ENV=production` turns off features for developers. */
export function readEdge(read: ConfigReader): EdgeConfig {
  const isProduction = read.text("NODE_ENV") === "production";
  const introspection = read.flag("INTROSPECTION") ?? !isProduction;
  const file = read.file("PERSISTED_DOCUMENTS");
  const only = read.flag("ONLY_PERSISTED");
  if (only && !read.isSet("PERSISTED_DOCUMENTS")) {
    const example = `PERSISTED_DOCUMENTS=${exampleOf("PERSISTED_DOCUMENTS")} ONLY_PERSISTED=true`;
    read.fault("ONLY_PERSISTED", "needs PERSISTED_DOCUMENTS, or nothing would run", example);
  }
  return {
    trustedProxies: read.list("TRUSTED_PROXIES", isProxy),
    corsOrigins: read.list("CORS_ORIGINS", isOrigin),
    rateLimitPerSecond: read.integer("RATE_LIMIT_PER_SECOND"),
    persistedDocuments: { file, only },
    introspection,
    discovery: read.flag("GRAPHQL_DISCOVERY"),
    playground: read.flag("PLAYGROUND") ?? !isProduction,
    suggestions: introspection,
    accessLog: read.flag("ACCESS_LOG"),
    slowOperationMs: read.integer("SLOW_OPERATION_MS"),
  };
}

function isProxy(text: string): boolean {
  if (["loopback", "linklocal", "uniquelocal"].includes(text)) return true;
  const [address = "", bits = "1", ...more] = text.split("/");
  if (isIP(address) === 0 || more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  try {
    proxyAddr.compile(text);
    return true;
  } catch {
    return false;
  }
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text && /^https?:/.test(text);
}
