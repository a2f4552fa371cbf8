import { errorOfAnswer, ShopError, type ResponseError } from "./shop-error.ts";

/** One GraphQL request over HTTP. */
export interface HttpRequest {
  fetch: typeof globalThis.fetch;
  url: string;
  headers: Record<string, string>;
  query: string;
  variables: unknown;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Sends a request and returns the data of its answer. Throws ShopError, or the signal's reason. */
export async function sendRequest(request: HttpRequest): Promise<unknown> {
  const { status, headers, text } = await exchange(request);
  const answer = parseAnswer(text);
  const retryAfter = Number(headers.get("retry-after") ?? NaN);
  const seconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  if (answer === undefined) throw errorOfStatus(status, seconds);
  const { data, errors = [] } = answer;
  if (errors.length > 0 || data === undefined || data === null) {
    throw errorOfAnswer(errors, data, seconds);
  }
  return data;
}

async function exchange({ fetch, url, headers, query, variables, timeoutMs, signal }: HttpRequest) {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json",
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (cause) {
    signal?.throwIfAborted();
    if (timeout.aborted) {
      throw new ShopError("TIMEOUT", `The shop did not answer within ${timeoutMs} ms.`, { cause });
    }
    throw new ShopError("NETWORK_ERROR", "The shop could not be reached.", { cause });
  }
}

interface Answer {
  data?: unknown;
  errors?: readonly ResponseError[];
}

/** Returns undefined for a text that is no GraphQL answer, for example the page of a proxy. */
function parseAnswer(text: string): Answer | undefined {
  try {
    const answer = JSON.parse(text) as Answer | null;
    return answer?.data !== undefined || Array.isArray(answer?.errors) ? answer : undefined;
  } catch {
    return undefined;
  }
}

function errorOfStatus(status: number, retryAfter: number | undefined): ShopError {
  const details = retryAfter === undefined ? {} : { retryAfter };
  const message = `The answer has the HTTP status ${status} and no GraphQL content.`;
  if ([502, 503, 504].includes(status)) {
    return new ShopError("SERVICE_UNAVAILABLE", message, { details });
  }
  if (status === 429) return new ShopError("TOO_MANY_REQUESTS", message, { details });
  return new ShopError("INVALID_RESPONSE", message);
}
