import type { StoredSession } from "../../../clients/typescript/src/index.ts";

/** A request that the fake shop has received. */
export interface ReceivedRequest {
  query: string;
  variables: Record<string, unknown>;
  headers: Record<string, string>;
}

/** What the fake shop does with a request: answers a value as JSON, or does something else. */
type Reply = Record<string, unknown> | ((request: ReceivedRequest, signal: AbortSignal) => unknown);

/** A `fetch` that gives these replies, one for each request, and remembers the requests. */
export function fakeShop(...replies: Reply[]) {
  const requests: ReceivedRequest[] = [];
  const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    const body = JSON.parse(init?.body as string) as Pick<ReceivedRequest, "query" | "variables">;
    const request = { ...body, headers: init?.headers as Record<string, string> };
    requests.push(request);
    const reply = replies.shift();
    if (reply === undefined) throw new Error(`No reply is left for ${body.query}`);
    const signal = init?.signal ?? new AbortController().signal;
    const answer = typeof reply === "function" ? await reply(request, signal) : reply;
    return answer instanceof Response ? answer : Response.json(answer);
  };
  return { fetch, requests, url: "http://shop.test/graphql" };
}

/** The answer with one error. */
export function failure(code: string, extensions: object = {}) {
  return { errors: [{ message: `It is ${code}.`, extensions: { code, ...extensions } }] };
}

/** A failed connection, as `fetch` reports it. */
export function disconnect(): never {
  throw new TypeError("fetch failed");
}

/** An access token with a lifetime of 900 s, which differs from other ones by its name. */
export function tokenOf(name: string): string {
  const claims = { iat: 1_000, exp: 1_900 };
  return `${name}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
}

/** The answer to `refreshToken` with the tokens of this name. */
export function renewed(name: string) {
  return { data: { refreshToken: { token: tokenOf(name), refreshToken: `refresh-${name}` } } };
}

/** A session with the tokens of this name. */
export function sessionOf(name: string, renewAt = Infinity): StoredSession {
  return { token: tokenOf(name), refreshToken: `refresh-${name}`, renewAt };
}
