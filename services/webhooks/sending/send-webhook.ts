import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { request as requestHttp } from "../../../core/network/http.ts";
import { ForbiddenAddressError } from "../endpoints/address-rules.ts";
import { retryAfterMs } from "./retry-schedule.ts";

/** The result of an attempt. */
export interface EndpointAnswer {
  /** Null if there was no answer. */
  status: number | null;
  /** Null if the endpoint has accepted the event. */
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
      error: isAccepted ? null : `the endpoint answered ${status}`,
      ...(!isAccepted && pauseMs !== undefined && { retryAfterMs: pauseMs }),
      durationMs: durationMs(),
    };
  } catch (error) {
    return { status: null, error: reasonOf(error, request.signal), durationMs: durationMs() };
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
      reject(new Error("the connection was closed"));
    });
    sent.end(body);
  });
}

/** Returns a text for admins that contains no address of the shop's network. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) {
    const { name } = signal.reason as { name?: unknown };
    return name === "TimeoutError" ? "there was no answer in time" : "the node has stopped";
  }
  if (error instanceof ForbiddenAddressError) return error.message;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "the connection failed";
}
