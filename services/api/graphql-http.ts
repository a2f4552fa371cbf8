import type { IncomingMessage, ServerResponse } from "node:http";
import { GraphQLError } from "graphql";
import { createHandler, type Request, type Response } from "graphql-http";
import type { Context } from "moleculer";
import type { Meta, Viewer } from "../../core/access.ts";
import { errorCatalogue, hasCode } from "../../core/errors.ts";
import { DocumentRefused } from "./documents.ts";
import {
  badRequest,
  type GraphqlExecution,
  type Operation,
  type RequestParams,
} from "./graphql-execution.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { maxBodyBytes, maxExecutionMs } from "./request-limits.ts";

/** moleculer-web's request: it carries the context of its root action. */
export interface GatewayRequest extends IncomingMessage {
  $ctx: Context<unknown, Meta>;
  originalUrl: string;
}

/** What a request is known by from outside. */
interface Origin {
  viewerOf: (authorization: string | undefined) => Promise<{ viewer: Viewer }>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
}

/** What belongs to one HTTP request on its way through graphql-http. */
interface HttpRequest {
  req: GatewayRequest;
  gone: AbortSignal;
  operation?: Operation;
}

const jsonType = "application/json; charset=utf-8";

/** Serves operations by the GraphQL-over-HTTP specification, as graphql-http implements it. */
export function graphqlOverHttp(execution: GraphqlExecution, origin: Origin) {
  const handle = createHandler<HttpRequest, undefined>({
    parseRequestParams: (request) => {
      const params = paramsOf(request);
      // All of it is checked by the execution, whichever way it came.
      return isRefused(params) ? params : (params as never);
    },
    async onSubscribe({ raw }, params) {
      const { req, gone } = raw;
      const { viewer } = await origin.viewerOf(req.headers.authorization);
      const keys = new IdempotencyKeys(req.headers["idempotency-key"]);
      const sender = { ctx: req.$ctx, viewer, address: origin.addressOf(req), keys, gone };
      try {
        raw.operation = execution.prepare(params, sender);
        return raw.operation.args;
      } catch (error) {
        if (error instanceof DocumentRefused) {
          const errors = error.errors.map((one) => execution.toClient(one, ""));
          return error.isMalformed ? malformed(errors) : errors;
        }
        if (hasCode(error, "TOO_MANY_REQUESTS")) return tooManyRequests(error as Error);
        throw error;
      }
    },
    onOperation({ raw }, _args, result) {
      const { errors } = result;
      if (errors === undefined) return;
      const requestId = raw.req.$ctx.requestID ?? "";
      return { ...result, errors: errors.map((error) => execution.toClient(error, requestId)) };
    },
    formatError(error) {
      if (error instanceof GraphQLError && error.extensions.code !== undefined) return error;
      return badRequest(error.message);
    },
  });

  return async (req: GatewayRequest, res: ServerResponse): Promise<void> => {
    if (origin.isForeign(req)) {
      sendErrors(res, 403, [badRequest("Pages of this origin may not call here.")]);
      return;
    }
    const body = req.method === "POST" ? await readBody(req) : null;
    if (body === undefined) {
      tooLarge(res);
      return;
    }
    const raw: HttpRequest = { req, gone: whenGone(res) };
    const { method = "GET", headers } = req;
    const request = { method, url: req.originalUrl, headers, body, raw, context: undefined };
    const [text, init] = await handle(request);
    raw.operation?.answered(text?.length ?? 0);
    if (res.destroyed) return;
    if (init.headers?.["content-type"] === undefined) {
      // graphql-http's own words: wrong method, wrong media type. They carry no code.
      sendErrors(res, init.status, [badRequest(init.statusText)], init.headers);
      return;
    }
    const length = { "content-length": Buffer.byteLength(text ?? "") };
    res.writeHead(init.status, init.statusText, { ...init.headers, ...length }).end(text);
  };
}

/** Ends when the time for a request is up, or when its connection closes before the answer. */
function whenGone(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort();
  }, maxExecutionMs);
  res.once("close", () => {
    clearTimeout(timer);
    if (!res.writableFinished) controller.abort();
  });
  return controller.signal;
}

function isRefused(params: RequestParams | Response): params is Response {
  return Array.isArray(params);
}

/** Reads a request's parts from its URL or its body. Throws what graphql-http answers with 400. */
function paramsOf({ method, url, headers, body }: Request<HttpRequest, undefined>) {
  if (method === "GET") return paramsOfUrl(url);
  if (method !== "POST") return refusal(405, "Method Not Allowed", { allow: "GET, POST" });
  const [mediaType, ...params] = String((headers as IncomingMessage["headers"])["content-type"])
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const isUtf8 = params.every((param) => !/^charset=(?!(utf-8|"utf-8")$)/.test(param));
  const { "content-encoding": encoding = "identity" } = headers as IncomingMessage["headers"];
  if (mediaType !== "application/json" || !isUtf8 || encoding !== "identity") {
    return refusal(415, "Send application/json, in UTF-8 and not compressed.");
  }
  const sent = parseJson(body as string, "The body is not JSON.");
  if (Array.isArray(sent)) throw new Error("Batches are not taken: send one request at a time.");
  if (typeof sent !== "object" || sent === null) throw new Error("The body is no JSON object.");
  return sent as RequestParams;
}

function paramsOfUrl(url: string): RequestParams {
  const search = new URL(url, "http://localhost").searchParams;
  const json = (name: string) => {
    const text = search.get(name);
    if (text === null || text === "") return undefined;
    return parseJson(text, `\`${name}\` is not JSON.`);
  };
  return {
    query: search.get("query"),
    operationName: search.get("operationName"),
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

function parseJson(text: string, complaint: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(complaint);
  }
}

/** An answer to a request that is no GraphQL request at all. */
function refusal(status: number, statusText: string, headers?: Record<string, string>): Response {
  return [null, { status, statusText, ...(headers && { headers }) }];
}

/** Unlike a document that is refused, this is no GraphQL request, whatever the client accepts. */
function malformed(errors: readonly GraphQLError[]): Response {
  const headers = { "content-type": jsonType };
  return [JSON.stringify({ errors }), { status: 400, statusText: "Bad Request", headers }];
}

function tooManyRequests(error: Error & { data?: { retryAfter?: number } }): Response {
  const code = "TOO_MANY_REQUESTS";
  const retryAfter = error.data?.retryAfter ?? 1;
  const errors = [{ message: error.message, extensions: { retryAfter, code } }];
  const headers = { "content-type": jsonType, "retry-after": String(retryAfter) };
  const { status } = errorCatalogue[code];
  return [JSON.stringify({ errors }), { status, statusText: "Too Many Requests", headers }];
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the body as UTF-8; undefined when it is larger than allowed. */
async function readBody(req: IncomingMessage): Promise<string | undefined> {
  if (Number(req.headers["content-length"]) > maxBodyBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  try {
    return utf8.decode(Buffer.concat(chunks));
  } catch {
    // What is no UTF-8 is no JSON either.
    return "";
  }
}

function tooLarge(res: ServerResponse): void {
  const code = "QUERY_TOO_COMPLEX";
  const message = `The request body is larger than ${maxBodyBytes} bytes.`;
  const errors = [{ message, extensions: { code, limit: maxBodyBytes } }];
  // What is still coming is not read, so the connection is of no more use.
  sendErrors(res, errorCatalogue[code].status, errors, { connection: "close" });
}

function sendErrors(
  res: ServerResponse,
  status: number,
  errors: readonly object[],
  headers: Readonly<Record<string, string | undefined>> = {},
): void {
  res.writeHead(status, { ...headers, "content-type": jsonType }).end(JSON.stringify({ errors }));
}
