import type { IncomingMessage, ServerResponse } from "node:http";

/** Headers that pages of other sites may send and see. */
const allowedHeaders =
  "authorization, content-type, accept, idempotency-key, x-request-id, traceparent";
const exposedHeaders = "retry-after, x-request-id";
const preflightSeconds = "600";

/**
 * What browsers are told with every answer: to take it for what it says it is, to show it in no
 * frame, to load nothing that it names. The playground's page has a policy of its own.
 */
const securityHeaders: readonly string[] = Object.entries({
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "x-content-type-options": "nosniff",
  "x-dns-prefetch-control": "off",
  "x-frame-options": "DENY",
  "x-permitted-cross-domain-policies": "none",
}).flat();

/** Who may call from a browser: pages from here, and those of the listed origins. */
export class BrowserRules {
  readonly #origins: ReadonlySet<string>;

  constructor(corsOrigins: readonly string[]) {
    this.#origins = new Set(corsOrigins);
  }

  /** What every answer says, names and values in turn. */
  headersFor({ headers: { origin } }: IncomingMessage): readonly string[] {
    if (this.#origins.size === 0) return securityHeaders;
    // Caches must not give one site's answer to another.
    const varying = [...securityHeaders, "vary", "origin"];
    if (origin === undefined || !this.#origins.has(origin)) return varying;
    const allowed = ["access-control-allow-origin", origin];
    return [...varying, ...allowed, "access-control-expose-headers", exposedHeaders];
  }

  /** Answers a preflight of a listed site. Gives true where the request was one. */
  answersPreflight(req: IncomingMessage, res: ServerResponse): boolean {
    if (req.method !== "OPTIONS" || !req.headers["access-control-request-method"]) return false;
    const { origin } = req.headers;
    if (origin === undefined || !this.#origins.has(origin)) return false;
    const granted = [
      "access-control-allow-methods",
      "GET, POST",
      "access-control-allow-headers",
      allowedHeaders,
      "access-control-max-age",
      preflightSeconds,
    ];
    res.writeHead(204, [...this.headersFor(req), ...granted]).end();
    return true;
  }

  /**
   * True for what a page of another site has made a browser send. Simple requests come without a
   * preflight, so that CORS alone would let them take effect: it only keeps the answers back.
   */
  isForeign({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    if (origin !== undefined) {
      return !this.#origins.has(origin) && URL.parse(origin)?.host !== host;
    }
    // A page's GETs come without Origin, and every browser says where they come from.
    const site = headers["sec-fetch-site"];
    return site === "cross-site" || site === "same-site";
  }
}
