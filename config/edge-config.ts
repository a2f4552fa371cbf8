import { isIP } from "node:net";
import type { ConfigReader } from "./config-reader.ts";

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
}

/** Reads the settings of the edge. `NODE_ENV=production` turns off features for developers. */
export function readEdge(read: ConfigReader): EdgeConfig {
  const isProduction = read.text("NODE_ENV") === "production";
  const introspection = read.flag("INTROSPECTION") ?? !isProduction;
  const file = read.file("PERSISTED_DOCUMENTS");
  const only = read.flag("ONLY_PERSISTED") ?? false;
  if (only && read.text("PERSISTED_DOCUMENTS") === undefined) {
    const example = "PERSISTED_DOCUMENTS=/etc/shop/documents.json ONLY_PERSISTED=true";
    read.fault("ONLY_PERSISTED", "needs PERSISTED_DOCUMENTS, or nothing would run", example);
  }
  return {
    trustedProxies: read.items("TRUSTED_PROXIES", isProxy, proxiesExpected, "10.0.0.0/8,::1"),
    corsOrigins: read.items("CORS_ORIGINS", isOrigin, "origins", "https://shop.example"),
    rateLimitPerSecond: read.int("RATE_LIMIT_PER_SECOND", 0, 1_000_000_000) ?? 2_000,
    persistedDocuments: { file, only },
    introspection,
    discovery: read.flag("GRAPHQL_DISCOVERY") ?? true,
    playground: read.flag("PLAYGROUND") ?? !isProduction,
    suggestions: introspection,
  };
}

const proxiesExpected = "IP addresses, ranges like 10.0.0.0/8, loopback, linklocal or uniquelocal";

function isProxy(text: string): boolean {
  if (["loopback", "linklocal", "uniquelocal"].includes(text)) return true;
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text && /^https?:/.test(text);
}
