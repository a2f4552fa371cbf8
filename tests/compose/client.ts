/** What became of one HTTP request. */
export interface Reply {
  /** The value of the field `answer`. */
  value: unknown;
  /** Of the first error; undefined: success. Those that begin with CLIENT_ or HTTP_ are ours. */
  code: string | undefined;
  /** 0: there was no answer. */
  status: number;
}

export interface Question {
  query: string;
  variables: Record<string, unknown>;
  token: string;
  key?: string | undefined;
  /** By GET, which a balancer may repeat. */
  byGet?: boolean | undefined;
}

/** The shop promises an answer within 5 s. */
const timeoutMs = 6_500;

interface Body {
  data?: { answer?: unknown } | null;
  errors?: { extensions?: { code?: string } }[];
}

/** Sends one document as any client would. Never throws. */
export async function ask(url: string, question: Question): Promise<Reply> {
  const { query, variables, token, key, byGet = false } = question;
  const headers = {
    authorization: token,
    ...(!byGet && { "content-type": "application/json" }),
    ...(key !== undefined && { "idempotency-key": key }),
  };
  const asked = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  const address = byGet ? `${url}/graphql?${asked.toString()}` : `${url}/graphql`;
  let status = 0;
  try {
    const response = await fetch(address, {
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(!byGet && { method: "POST", body: JSON.stringify({ query, variables }) }),
    });
    ({ status } = response);
    const text = await response.text();
    // What is no JSON, is not the shop's.
    if (!text.startsWith("{")) return { value: undefined, code: `HTTP_${status}`, status };
    const { data, errors } = JSON.parse(text) as Body;
    const [error] = errors ?? [];
    const code = error === undefined ? undefined : (error.extensions?.code ?? "CLIENT_NO_CODE");
    return { value: data?.answer, code, status };
  } catch (error) {
    return { value: undefined, code: codeOf(error), status };
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "CLIENT_FAULT";
  if (error.name === "TimeoutError") return "CLIENT_TIMEOUT";
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : error.name;
  return `CLIENT_${code}`;
}

/** Answers that leave open whether the request had its effect, or will have it. */
export function isOpen(code: string): boolean {
  const open = ["SERVICE_UNAVAILABLE", "IDEMPOTENCY_IN_PROGRESS", "INTERNAL_SERVER_ERROR"];
  return open.includes(code) || isNotOfTheShop(code);
}

/** True where a client cannot know what is wrong: the shop did not say it. */
export function isNotOfTheShop(code: string): boolean {
  return /^(CLIENT|HTTP)_/.test(code);
}
