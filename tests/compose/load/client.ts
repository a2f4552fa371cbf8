/** The outcome of one HTTP request. */
export interface Reply {
  /** The value of the field `answer`. */
  value: unknown;
  /**
   * The code of the first error, or undefined after a success. This client sets the codes with the
   * prefixes CLIENT_ and HTTP_, for responses that do not come from the shop.
   */
  code: string | undefined;
  /** The HTTP status, or 0 without a response. */
  status: number;
}

export interface GraphqlRequest {
  query: string;
  variables: Record<string, unknown>;
  token: string;
  key?: string | undefined;
  /** Sends the request by GET, which a load balancer may retry. */
  byGet?: boolean | undefined;
}

/** More than the 5 s within which the shop promises a response. */
const timeoutMs = 6_500;

interface Body {
  data?: { answer?: unknown } | null;
  errors?: { extensions?: { code?: string } }[];
}

/** Sends one document. Never throws. */
export async function sendDocument(url: string, request: GraphqlRequest): Promise<Reply> {
  const { query, variables, token, key, byGet = false } = request;
  const headers = {
    authorization: token,
    ...(!byGet && { "content-type": "application/json" }),
    ...(key !== undefined && { "idempotency-key": key }),
  };
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  const address = byGet ? `${url}/graphql?${search.toString()}` : `${url}/graphql`;
  let status = 0;
  try {
    const response = await fetch(address, {
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(!byGet && { method: "POST", body: JSON.stringify({ query, variables }) }),
    });
    ({ status } = response);
    const text = await response.text();
    // Every response of the shop is JSON.
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

/** Returns true if a request with this code may have had its effect, or may still have it. */
export function isUndecided(code: string): boolean {
  const undecided = ["SERVICE_UNAVAILABLE", "IDEMPOTENCY_IN_PROGRESS", "INTERNAL_SERVER_ERROR"];
  return undecided.includes(code) || isClientCode(code);
}

/** Returns true if the code comes from this client, since no response of the shop arrived. */
export function isClientCode(code: string): boolean {
  return /^(CLIENT|HTTP)_/.test(code);
}
