import type { Kind, Kinds, Outcome } from "../history.ts";
import { documents } from "./documents.ts";

/** Answers that leave open whether the request had its effect, or will have it. */
const undecided = new Set([
  "SERVICE_UNAVAILABLE",
  "IDEMPOTENCY_IN_PROGRESS",
  "INTERNAL_SERVER_ERROR",
  "TOO_MANY_REQUESTS",
]);

export interface SendOptions {
  url: string;
  token?: string | undefined;
  key?: string | null;
  /** After this long the client goes away. */
  timeoutMs: number;
}

/** Sends one request as any client would, and says what became of it. Never throws. */
export async function send<K extends Kind>(
  kind: K,
  input: Kinds[K]["input"],
  options: SendOptions,
): Promise<Outcome<Kinds[K]["answer"]>> {
  const document = documents[kind];
  const body = { query: document.query, variables: document.variables(input) };
  const { code, value } = await post(body, options);
  if (code === undefined) return { outcome: "ok", answer: document.answer(value) };
  return { outcome: undecided.has(code) || isOurs(code) ? "unknown" : "refused", code };
}

/** Codes of this client's own begin like this: there was no answer of the shop. */
function isOurs(code: string): boolean {
  return code.startsWith("CLIENT_");
}

interface Posted {
  /** The code of the first error; undefined for a success. */
  code?: string;
  /** Of the field `answer`. */
  value?: unknown;
}

/** Posts a document whose only field is called `answer`. */
export async function post(
  body: { query: string; variables: Record<string, unknown> },
  { url, token, key, timeoutMs }: SendOptions,
): Promise<Posted> {
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
    const isLate = error instanceof Error && error.name === "TimeoutError";
    return { code: isLate ? "CLIENT_TIMEOUT" : "CLIENT_NO_CONNECTION" };
  }
}
