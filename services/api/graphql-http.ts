import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import type { Meta, Viewer } from "../../core/access.ts";
import { errorCatalogue, hasCode, type ErrorCode } from "../../core/errors.ts";
import { acceptedType, type AnswerType } from "./accepted-type.ts";
import { DocumentRefused, type ClientError } from "./graphql-errors.ts";
import { callerOf, type GraphqlExecution, type RequestParams } from "./graphql-execution.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { Patience, type PatienceWatch } from "./patience.ts";
import { maxBodyBytes } from "./request-limits.ts";
import { Tarpit } from "./tarpit.ts";

/** What the handler needs of the gateway. */
export interface HttpOrigin {
  viewerOf: (authorization: string | undefined) => Promise<{ viewer: Viewer }>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** What every answer says, names and values in turn. */
  headersFor: (req: IncomingMessage) => readonly string[];
  /** A context of the gateway's own, on whose behalf a request calls. */
  newContext: (req: IncomingMessage) => Context<unknown, Meta>;
  watch: PatienceWatch;
}

/** An answer that is no GraphQL answer, or not yet one. */
class HttpRefusal extends Error {
  readonly status: number;
  readonly error: ClientError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    { code = "BAD_REQUEST", data = {}, headers = {} }: RefusalOptions = {},
  ) {
    super(message);
    this.status = status;
    this.error = { message, extensions: { ...data, code } };
    this.headers = headers;
  }
}

interface RefusalOptions {
  code?: ErrorCode;
  data?: object;
  headers?: Readonly<Record<string, string>>;
}

/** Serves operations by the GraphQL-over-HTTP specification. Rejects with faults of ours only. */
export function graphqlOverHttp(execution: GraphqlExecution, origin: HttpOrigin) {
  const tarpit = new Tarpit();
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const patience = new Patience();
    origin.watch.add(patience);
    res.once("close", () => {
      origin.watch.done(patience);
      // Nobody waits any more for what is still to do.
      if (!res.writableFinished) patience.end();
    });
    const headers = [...origin.headersFor(req)];
    try {
      send(res, headers, await answer(req, headers, patience));
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error;
      const { status, error: told } = error;
      headers.push(...Object.entries(error.headers).flat());
      const text = JSON.stringify({ errors: [told] });
      send(res, headers, { status, type: "application/json", text });
    }
  };

  async function answer(
    req: IncomingMessage,
    headers: string[],
    patience: Patience,
  ): Promise<Answer> {
    if (origin.isForeign(req))
      throw new HttpRefusal(403, "Pages of this origin may not call here.");
    const type = acceptedType(req.headers.accept);
    if (type === undefined) {
      const message = "Accept application/graphql-response+json or application/json, in UTF-8.";
      throw new HttpRefusal(406, message);
    }
    const params = await paramsOf(req);
    const { viewer } = await origin.viewerOf(req.headers.authorization);
    const ctx = origin.newContext(req);
    headers.push("x-request-id", ctx.requestID ?? "");
    const keys = new IdempotencyKeys(req.headers["idempotency-key"]);
    const sender = { ctx, viewer, address: origin.addressOf(req), keys, patience };
    const requestId = ctx.requestID ?? "";
    try {
      const operation = execution.prepare(params, sender);
      if (operation.kind === "subscription") {
        throw new HttpRefusal(400, "Subscriptions run over WebSocket, at this address.");
      }
      if (operation.kind === "mutation" && req.method === "GET") {
        throw new HttpRefusal(405, "Send mutations by POST.", { headers: { allow: "POST" } });
      }
      const { text, isExecuted, isThrottled } = await operation.run(requestId);
      if (isThrottled) await tarpit.hold(callerOf(viewer, sender.address));
      return { status: isExecuted || type === "application/json" ? 200 : 400, type, text };
    } catch (error) {
      if (hasCode(error, "TOO_MANY_REQUESTS")) {
        await tarpit.hold(callerOf(viewer, sender.address));
        throw tooManyRequests(error as Error);
      }
      if (!(error instanceof DocumentRefused)) throw error;
      const errors = error.errors.map((one) => execution.toClient(one, requestId));
      // It was a request all the same; what is no request is 400 in any case.
      const status = error.isMalformed || type !== "application/json" ? 400 : 200;
      return { status, type, text: JSON.stringify({ errors }) };
    }
  }
}

interface Answer {
  status: number;
  type: AnswerType;
  text: string;
}

/** Reads a request's parts from its URL or its body. */
async function paramsOf(req: IncomingMessage): Promise<RequestParams> {
  if (req.method === "GET") return paramsOfUrl(req.url ?? "");
  if (req.method !== "POST") {
    throw new HttpRefusal(405, "Send GET or POST.", { headers: { allow: "GET, POST" } });
  }
  if (!isJson(req.headers)) {
    throw new HttpRefusal(415, "Send application/json, in UTF-8 and not compressed.");
  }
  const sent = parseJson(await readBody(req), "The body is not JSON.");
  if (Array.isArray(sent)) {
    throw new HttpRefusal(400, "Batches are not taken: send one request at a time.");
  }
  if (typeof sent !== "object" || sent === null) {
    throw new HttpRefusal(400, "The body is no JSON object.");
  }
  return sent;
}

function isJson(headers: IncomingMessage["headers"]): boolean {
  const { "content-type": contentType, "content-encoding": encoding = "identity" } = headers;
  if (encoding !== "identity") return false;
  if (contentType === "application/json") return true;
  const [mediaType, ...parameters] = (contentType ?? "")
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const isUtf8 = parameters.every((parameter) => !/^charset=(?!(utf-8|"utf-8")$)/.test(parameter));
  return mediaType === "application/json" && isUtf8;
}

function paramsOfUrl(url: string): RequestParams {
  const search = new URLSearchParams(url.split("?", 2)[1] ?? "");
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
    throw new HttpRefusal(400, complaint);
  }
}

function tooManyRequests(error: Error & { data?: { retryAfter?: number } }): HttpRefusal {
  const code = "TOO_MANY_REQUESTS";
  const retryAfter = error.data?.retryAfter ?? 1;
  const headers = { "retry-after": String(retryAfter) };
  const options = { code, data: { retryAfter }, headers } as const;
  return new HttpRefusal(errorCatalogue[code].status, error.message, options);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the body as UTF-8, as far as it may be long. */
function readBody(req: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    if (Number(req.headers["content-length"]) > maxBodyBytes) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) reject(tooLarge());
      else chunks.push(chunk);
    });
    req.once("error", reject);
    req.once("end", () => {
      try {
        resolve(utf8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
      } catch {
        reject(new HttpRefusal(400, "The body is not UTF-8."));
      }
    });
  });
}

function tooLarge(): HttpRefusal {
  const code = "QUERY_TOO_COMPLEX";
  const message = `The request body is larger than ${maxBodyBytes} bytes.`;
  // What is still coming is not read, so the connection is of no more use.
  const options = {
    code,
    data: { limit: maxBodyBytes },
    headers: { connection: "close" },
  } as const;
  return new HttpRefusal(errorCatalogue[code].status, message, options);
}

/** Sends an answer whole, with its headers in one go: set one by one they take several times as long. */
function send(res: ServerResponse, headers: string[], { status, type, text }: Answer): void {
  if (res.destroyed) return;
  const length = String(Buffer.byteLength(text));
  headers.push("content-type", `${type}; charset=utf-8`, "content-length", length);
  res.writeHead(status, headers).end(text);
}
