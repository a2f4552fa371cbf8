import { isIP } from "node:net";
import type { ConfigReader } from "./config-reader.ts";

/** What the gateway lets in. */
export interface EdgeConfig {
  /** Proxies whose X-Forwarded-For counts: addresses, CIDR ranges, or `loopback`, `uniquelocal`. */
  trustedProxies: string[];
  /** Origins of other sites' pages that may call. */
  corsOrigins: string[];
  /** Query cost that one caller gets back each second; 0: no limit. */
  rateLimitPerSecond: number;
  /** Manifest of documents that clients call by their hash, and whether nothing else runs. */
  persistedDocuments: { file: string | undefined; only: boolean };
  introspection: boolean;
  /** Whether fields of services outside the registry join the schema. */
  discovery: boolean;
  playground: boolean;
  /** "Did you mean …" in the messages of documents that do not fit the schema. */
  suggestions: boolean;
}

/** Reads what the gateway lets in. `NODE_ENV=production` closes what is for developers. */
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
    trustedProxies: read.items("TRUSTED_PROXIES", isProxy, proxiesWanted, "10.0.0.0/8,::1"),
    corsOrigins: read.items("CORS_ORIGINS", isOrigin, "origins", "https://shop.example"),
    rateLimitPerSecond: read.int("RATE_LIMIT_PER_SECOND", 0, 1_000_000_000) ?? 2_000,
    persistedDocuments: { file, only },
    introspection,
    discovery: read.flag("GRAPHQL_DISCOVERY") ?? true,
    playground: read.flag("PLAYGROUND") ?? !isProduction,
    suggestions: introspection,
  };
}

const proxiesWanted = "IP addresses, ranges like 10.0.0.0/8, loopback, linklocal or uniquelocal";

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
