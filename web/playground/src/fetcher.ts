import type { Fetcher } from "@graphiql/toolkit";
import { GraphQLError, type ExecutionResult } from "graphql";
import { createClient } from "graphql-ws/client";
import { takeValues } from "./known-values.ts";
import { currentToken } from "./token-field.ts";

const endpoint = "/graphql";
/** Displayed characters of a response that is not JSON. */
const shownCharacters = 1_000;

/** What GraphiQL asks its fetcher for. */
interface Operation {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string | null;
}

/** GraphiQL's fetcher. Returns a response for queries and mutations, an iterator for subscriptions. */
export const fetcher: Fetcher = (operation, options) => {
  const known = withKnownName(operation);
  return isSubscription(known) ? listen(known) : send(known, options?.headers);
};

/** Removes a name that the text does not have: GraphiQL may pass that of the previous document. */
function withKnownName({ operationName, ...operation }: Operation): Operation {
  if (!operationName) return operation;
  const named = new RegExp(`\\b(?:query|mutation|subscription)\\s+${operationName}\\b`);
  return named.test(withoutComments(operation.query)) ? { ...operation, operationName } : operation;
}

/** Examines the text: the parsed document that GraphiQL passes may be the previous document. */
function isSubscription({ query, operationName }: Operation): boolean {
  const text = withoutComments(query);
  return operationName
    ? new RegExp(`\\bsubscription\\s+${operationName}\\b`).test(text)
    : /^\s*subscription\b/.test(text);
}

function withoutComments(query: string): string {
  return query.replaceAll(/#.*$/gm, "");
}

/**
 * Iterates the results of a subscription over its own connection, until GraphiQL stops it. Not a
 * generator, which cannot be stopped while it waits for the next event.
 */
function listen({ query, variables, operationName }: Operation) {
  const token = currentToken();
  const client = createClient({
    url: new URL(endpoint, location.href.replace(/^http/, "ws")).href,
    connectionParams: token ? { authorization: token } : {},
    retryAttempts: 0,
  });
  const results = client.iterate({ query, variables, operationName });
  let isFailed = false;
  const end = { done: true, value: undefined } as const;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
      if (isFailed) return end;
      try {
        const result = await results.next();
        return result.done ? end : { done: false, value: result.value as ExecutionResult };
      } catch (error) {
        isFailed = true;
        const value = Array.isArray(error) ? { errors: error } : failure(socketFailure(error));
        return { done: false, value };
      }
    },
    async return() {
      await results.return?.();
      await client.dispose();
      return end;
    },
  };
}

/** Returns the reason of a close event, or a general message. */
function socketFailure(event: unknown): string {
  const reason = event instanceof CloseEvent ? event.reason : "";
  return reason || "The connection for the subscription has failed.";
}

/** Sends one operation and returns the response for the result pane. Never rejects. */
async function send(
  operation: Operation,
  headers: Record<string, string> = {},
): Promise<ExecutionResult> {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: requestHeaders(headers),
      body: JSON.stringify(operation),
    });
    const result = parse(response, await response.text());
    takeValues(result);
    return result;
  } catch (error) {
    return failure(`The request could not be completed: ${(error as Error).message}`);
  }
}

/** @param fromEditor GraphiQL's "Headers", which override the page's */
function requestHeaders(fromEditor: Record<string, string>): Headers {
  const headers = new Headers({
    "content-type": "application/json",
    accept: "application/graphql-response+json, application/json",
  });
  const token = currentToken();
  if (token) headers.set("authorization", /^Bearer /i.test(token) ? token : `Bearer ${token}`);
  for (const [name, value] of Object.entries(fromEditor)) headers.set(name, value);
  return headers;
}

function parse(response: Response, body: string): ExecutionResult {
  try {
    return JSON.parse(body) as ExecutionResult;
  } catch {
    const status = `${response.status} ${response.statusText}`.trim();
    return failure(`The response (${status}) is not JSON.`, {
      body: body.slice(0, shownCharacters),
    });
  }
}

/**
 * Makes a GraphQL response for a failed request. GraphiQL would display a thrown error with its
 * stack.
 */
function failure(message: string, extensions?: Record<string, unknown>): ExecutionResult {
  return { errors: [new GraphQLError(message, { extensions })] };
}
