import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { request as requestHttp } from "../../../core/network/http.ts";
import { failureText } from "./failure-text.ts";
import { retryAfterMs } from "./retry-schedule.ts";

/** The result of an attempt. */
export interface EndpointAnswer {
  /** Null if there was no answer. */
  status: number | null;
  /** A sentence that contains no address of the shop's network; null if the event was accepted. */
  error: string | null;
  /** The pause that the endpoint requests by `Retry-After`. */
  retryAfterMs?: number;
  durationMs: number;
}

/** A request to an endpoint. */
export interface WebhookRequest {
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** Resolves the name of the host. */
  lookup: LookupFunction;
  /** The deadline of the attempt. */
  signal: AbortSignal;
}

/** The maximum size of an endpoint's headers. Its body is not read. */
const maxHeaderSize = 8_192;

/** Sends a request and returns the answer. Does not throw. Redirects are not followed. */
export async function sendWebhook(request: WebhookRequest): Promise<EndpointAnswer> {
  const startMs = performance.now();
  const durationMs = () => Math.round(performance.now() - startMs);
  try {
    const { status, retryAfter } = await exchange(request);
    const pauseMs = retryAfterMs(retryAfter);
    const isAccepted = status >= 200 && status < 300;
    return {
      status,
      error: isAccepted ? null : `The endpoint answered ${status}.`,
      ...(!isAccepted && pauseMs !== undefined && { retryAfterMs: pauseMs }),
      durationMs: durationMs(),
    };
  } catch (error) {
    return { status: null, error: reasonOf(error, request), durationMs: durationMs() };
  }
}

function exchange({ url, headers, body, lookup, signal }: WebhookRequest) {
  return new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const sent = send(url, {
      method: "POST",
      // A connection of its own: a kept one may end while the request is sent.
      agent: false,
      headers: {
        ...headers,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "shop-webhooks/1",
      },
      lookup,
      maxHeaderSize,
      signal,
    });
    sent.on("response", (response) => {
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] });
      // A body could be endless. Destroying it may cause an error, which no longer matters.
      response.on("error", () => undefined);
      response.destroy();
    });
    sent.on("error", reject);
    sent.on("close", () => {
      reject(Object.assign(new Error("The connection was closed."), { code: "ECONNRESET" }));
    });
    sent.end(body);
  });
}

function reasonOf(error: unknown, { url, signal }: WebhookRequest): string {
  if (!signal.aborted) return failureText(error, url.hostname);
  const { name } = signal.reason as { name?: unknown };
  return name === "TimeoutError"
    ? "The endpoint did not answer in time."
    : "The node stopped before the endpoint answered.";
}
