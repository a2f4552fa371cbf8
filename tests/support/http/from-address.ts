import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { Answer, Fields, Request } from "../../../tools/support/graphql-client.ts";

/**
 * Sends one GraphQL document from a loopback address such as 127.0.0.2, which the gateway treats as
 * another caller.
 */
export async function graphqlFrom<Data = Fields>(
  address: string,
  url: string,
  query: string,
  { variables, token, headers }: Omit<Request, "path"> = {},
): Promise<Answer<Data>> {
  const sent = request(`${url}/graphql`, {
    method: "POST",
    localAddress: address,
    // A new connection: a reused one may have another address.
    agent: false,
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: token }),
      ...headers,
    },
  });
  sent.end(JSON.stringify({ query, variables }));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = JSON.parse(await text(response)) as Omit<Answer<Data>, "status" | "code">;
  const code = body.errors?.[0]?.extensions.code;
  return {
    status: response.statusCode ?? 0,
    ...body,
    code: typeof code === "string" ? code : undefined,
  };
}
