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
const securityHeaders: Readonly<Record<string, string>> = {
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
};

/** Who may call from a browser: pages from here, and those of the listed origins. */
export class BrowserRules {
  readonly #origins: ReadonlySet<string>;

  constructor(corsOrigins: readonly string[]) {
    this.#origins = new Set(corsOrigins);
  }

  /** Sets the headers of every answer. Gives true where the request was a preflight, and is answered. */
  begin(req: IncomingMessage, res: ServerResponse): boolean {
    for (const [name, value] of Object.entries(securityHeaders)) res.setHeader(name, value);
    const { origin } = req.headers;
    // Caches must not give one site's answer to another.
    if (this.#origins.size > 0) res.setHeader("vary", "origin");
    if (origin === undefined || !this.#origins.has(origin)) return false;
    res.setHeader("access-control-allow-origin", origin);
    res.setHeader("access-control-expose-headers", exposedHeaders);
    if (req.method !== "OPTIONS" || !req.headers["access-control-request-method"]) return false;
    res
      .writeHead(204, {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": allowedHeaders,
        "access-control-max-age": preflightSeconds,
      })
      .end();
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
