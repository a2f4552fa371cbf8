import type { IncomingMessage, ServerResponse } from "node:http";

/** Headers that pages of allowed origins may send and read. */
const allowedHeaders =
  "authorization, content-type, accept, idempotency-key, x-request-id, traceparent";
const exposedHeaders = "retry-after, x-request-id";
const preflightSeconds = "600";

/**
 * Security headers of every response: no content sniffing, no frames, no subresources. The
 * playground's page has its own Content-Security-Policy.
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

/** CORS and CSRF rules: pages of this origin and of the listed origins may send requests. */
export class BrowserRules {
  readonly #origins: ReadonlySet<string>;

  constructor(corsOrigins: readonly string[]) {
    this.#origins = new Set(corsOrigins);
  }

  /** Returns the headers of a response as alternating names and values. */
  headersFor({ headers: { origin } }: IncomingMessage): readonly string[] {
    if (this.#origins.size === 0) return securityHeaders;
    // A cache must not return the response for one origin to another origin.
    const varying = [...securityHeaders, "vary", "origin"];
    if (origin === undefined || !this.#origins.has(origin)) return varying;
    const allowed = ["access-control-allow-origin", origin];
    return [...varying, ...allowed, "access-control-expose-headers", exposedHeaders];
  }

  /** Answers a preflight of a listed origin. Returns true if the request was a preflight. */
  answersPreflight(req: IncomingMessage, res: ServerResponse): boolean {
    if (req.method !== "OPTIONS" || !req.headers["access-control-request-method"]) return false;
    const { origin } = req.headers;
    if (origin === undefined || !this.#origins.has(origin)) return false;
    const permissions = [
      "access-control-allow-methods",
      "GET, POST",
      "access-control-allow-headers",
      allowedHeaders,
      "access-control-max-age",
      preflightSeconds,
    ];
    res.writeHead(204, [...this.headersFor(req), ...permissions]).end();
    return true;
  }

  /**
   * Returns true for a request from a page of an origin that is not allowed. CORS alone is not
   * enough: simple requests have no preflight, and take effect although the response is hidden.
   */
  isForeign({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    if (origin !== undefined) {
      return !this.#origins.has(origin) && !isOwnOrigin(origin, host);
    }
    // Browsers send GETs without Origin, but with Sec-Fetch-Site.
    const site = headers["sec-fetch-site"];
    return site === "cross-site" || site === "same-site";
  }
}

/**
 * Tells whether an origin (RFC 6454) is that of a Host header (RFC 9110), whose host is in any case and
 * can have the default port. The scheme is that of the origin: only a proxy in front knows it.
 */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const { origin: own, protocol } = URL.parse(origin) ?? {};
  if (protocol !== "http:" && protocol !== "https:") return false;
  // Not equal for a host with more than a name and a port.
  return URL.parse(`${protocol}//${host ?? ""}`)?.href === `${own ?? ""}/`;
}
