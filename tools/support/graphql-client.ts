import { print } from "graphql";
import type { TypedDocument } from "../../clients/typescript/src/index.ts";

/** The fields of a response. Callers that read deeper pass their own type. */
export type Fields = Record<string, Record<string, unknown>>;

/** The response to a GraphQL request over HTTP. */
export interface Answer<Data = Fields> {
  status: number;
  data?: Data | null;
  errors?: { message: string; path?: unknown[]; extensions: Record<string, unknown> }[];
  /** The code of the first error. */
  code: string | undefined;
}

export interface Request<Variables = Record<string, unknown>> {
  variables?: Variables;
  token?: string | undefined;
  headers?: Record<string, string>;
  path?: string;
}

/** Sends one GraphQL document over HTTP. */
export async function graphql<Data = Fields, Variables = Record<string, unknown>>(
  url: string,
  document: string | TypedDocument<Data, Variables>,
  request: Request<Variables> = {},
): Promise<Answer<Data>> {
  const query = typeof document === "string" ? document : print(document);
  const response = await fetch(`${url}${request.path ?? "/graphql"}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(request.token !== undefined && { authorization: request.token }),
      ...request.headers,
    },
    body: JSON.stringify({ query, variables: request.variables }),
  });
  const body = (await response.json()) as Omit<Answer<Data>, "status" | "code">;
  const code = body.errors?.[0]?.extensions.code;
  return { status: response.status, ...body, code: typeof code === "string" ? code : undefined };
}
