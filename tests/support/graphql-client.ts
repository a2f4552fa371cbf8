/** What a GraphQL request over HTTP answers. */
export interface Answer {
  status: number;
  data?: Record<string, never> | null;
  errors?: { message: string; path?: unknown[]; extensions: Record<string, unknown> }[];
  /** The code of the first error. */
  code: string | undefined;
}

export interface Request {
  variables?: Record<string, unknown>;
  token?: string | undefined;
  headers?: Record<string, string>;
  path?: string;
}

/** Sends one GraphQL document as any client would. */
export async function graphql(url: string, query: string, request: Request = {}): Promise<Answer> {
  const response = await fetch(`${url}${request.path ?? "/graphql"}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(request.token !== undefined && { authorization: request.token }),
      ...request.headers,
    },
    body: JSON.stringify({ query, variables: request.variables }),
  });
  const body = (await response.json()) as Omit<Answer, "status" | "code">;
  const code = body.errors?.[0]?.extensions["code"];
  return { status: response.status, ...body, code: typeof code === "string" ? code : undefined };
}
