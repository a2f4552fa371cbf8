import type { Kind, Kinds, Outcome } from "../history.ts";
import { documents } from "./documents.ts";

/** Error codes that leave open whether the request had, or will have, its effect. */
const unknownOutcomeCodes = new Set([
  "SERVICE_UNAVAILABLE",
  "IDEMPOTENCY_IN_PROGRESS",
  "INTERNAL_SERVER_ERROR",
  "TOO_MANY_REQUESTS",
]);

export interface SendOptions {
  url: string;
  token?: string | undefined;
  key?: string | null;
  /** The client aborts the request after this time. */
  timeoutMs: number;
}

/** Sends one request over HTTP and gives its outcome. Never throws. */
export async function sendRequest<K extends Kind>(
  kind: K,
  input: Kinds[K]["input"],
  options: SendOptions,
): Promise<Outcome<Kinds[K]["answer"]>> {
  const document = documents[kind];
  const body = { query: document.query, variables: document.variables(input) };
  const { code, value } = await post(body, options);
  if (code === undefined) return { outcome: "ok", answer: document.answer(value) };
  return {
    outcome: unknownOutcomeCodes.has(code) || isClientCode(code) ? "unknown" : "rejected",
    code,
  };
}

/** Whether a code is of this client, because the shop did not answer. */
function isClientCode(code: string): boolean {
  return code.startsWith("CLIENT_");
}

interface PostResult {
  /** The code of the first error; undefined for a success. */
  code?: string;
  /** The value of the field `answer`. */
  value?: unknown;
}

/** Posts a document whose only field has the alias `answer`. */
export async function post(
  body: { query: string; variables: Record<string, unknown> },
  { url, token, key, timeoutMs }: SendOptions,
): Promise<PostResult> {
  try {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: token }),
        ...(typeof key === "string" && { "idempotency-key": key }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { data, errors } = (await response.json()) as {
      data?: { answer?: unknown } | null;
      errors?: { extensions?: { code?: string } }[];
    };
    if (errors?.[0] !== undefined) return { code: errors[0].extensions?.code ?? "CLIENT_NO_CODE" };
    return { value: data?.answer };
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return { code: isTimeout ? "CLIENT_TIMEOUT" : "CLIENT_NO_CONNECTION" };
  }
}
