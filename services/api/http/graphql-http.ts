import { apiErrors } from "../api.errors.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import type { Meta, Viewer } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import { commonErrors, hasCode, type ErrorDefinition } from "../../../core/errors.ts";
import { acceptedType, isUtf8, mediaTypeOf, type AnswerType } from "./accepted-type.ts";
import { DocumentError, type FormattedError } from "../graphql/graphql-errors.ts";
import {
  bytesPerCost,
  callerOf,
  type Answer as ExecutedAnswer,
  type GraphqlExecution,
  type RequestParams,
  type RequestSender,
} from "../graphql/graphql-execution.ts";
import { closeAfterRejection, cut, isPipelined } from "./connection-limits.ts";
import { IdempotencyKeys } from "../graphql/idempotency-keys.ts";
import { HeldBytes, type ExceededLimit, type ResourceUsage } from "../limits/resource-usage.ts";
import { Deadline, type DeadlineTimer } from "../limits/deadline.ts";
import type { ConcurrencyLimit } from "../limits/concurrency-limit.ts";
import { BodyError, RequestBody, dropBody } from "./request-body.ts";
import { maxBodyBytes } from "../limits/request-limits.ts";
import { Tarpit } from "../limits/tarpit.ts";
import type { Transfer, TransferWatch } from "./transfer-watch.ts";
import type { FairQueue } from "../limits/fair-queue.ts";

/** What the handler needs from the gateway. */
export interface HttpOrigin {
  viewerOf: (authorization: string | undefined) => Promise<{ viewer: Viewer }>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** Headers of every response, as alternating names and values. */
  headersFor: (req: IncomingMessage) => readonly string[];
  /** Makes the context of a request, from which the gateway calls actions. */
  newContext: (req: IncomingMessage) => Context<unknown, Meta>;
  deadlines: DeadlineTimer;
  usage: ResourceUsage;
  transfers: TransferWatch;
  concurrency: ConcurrencyLimit;
  fairQueue: FairQueue;
}

/** Longer bodies wait in the fair queue: parsing them takes a millisecond or more. */
const unqueuedBodyCharacters = 16_384;
/** The cost of an incomplete request, in addition to its bytes. */
const incompleteRequestCost = 50;
/** Smaller responses are sent without a check of the buffered bytes. */
const smallResponseBytes = 65_536;
/** A client may take `readTimeMs` to read a response, plus its length at `readBytesPerMs`. */
const readTimeMs = 10_000;
const readBytesPerMs = 64;

/** An error of the HTTP request, before GraphQL execution. */
class HttpError extends Error {
  readonly status: number;
  readonly error: FormattedError;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the connection is closed after the response. */
  readonly isLast: boolean;

  constructor(
    status: number,
    message: string,
    {
      definition = apiErrors.BAD_REQUEST,
      data = {},
      headers = {},
      isLast = false,
    }: HttpErrorOptions = {},
  ) {
    super(message);
    this.status = status;
    this.error = { message, extensions: { ...data, code: definition.code } };
    this.headers = headers;
    this.isLast = isLast;
  }
}

interface HttpErrorOptions {
  definition?: ErrorDefinition;
  data?: object;
  headers?: Readonly<Record<string, string>>;
  isLast?: boolean;
}

/** Serves operations by the GraphQL-over-HTTP specification. Rejects only for internal errors. */
export function graphqlOverHttp(execution: GraphqlExecution, origin: HttpOrigin) {
  const tarpit = new Tarpit();
  const { usage, concurrency, transfers, fairQueue, deadlines } = origin;
  const { throttle } = execution;

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const address = origin.addressOf(req);
    const group = addressGroup(address);
    const headers = [...origin.headersFor(req)];
    const excess = usage.acquire(group, "requests");
    if (excess !== undefined) {
      dropBody(req);
      sendHttpError(res, headers, overloaded(excess));
      return;
    }
    const held = new HeldBytes(usage, group);
    const body = req.method === "POST" ? new RequestBody(req, held, transfers) : undefined;
    if (body === undefined) dropBody(req);
    const exchange: Exchange = {
      req,
      res,
      headers,
      address,
      group,
      body,
      deadline: new Deadline(),
      held,
      transfer: undefined,
    };
    deadlines.add(exchange.deadline);
    res.once("close", () => {
      release(exchange);
    });
    try {
      send(exchange, await answer(exchange));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      sendHttpError(res, headers, error);
    } finally {
      body?.drop();
    }
  };

  /** Releases the resources of a request after its response is read or its client disconnects. */
  function release({ req, res, group, body, deadline, held, transfer }: Exchange): void {
    usage.release(group, "requests");
    deadlines.done(deadline);
    // The client has disconnected.
    if (!res.writableFinished) deadline.abort();
    if (!req.complete) throttle.charge(group, incompleteRequestCost + held.bytes / bytesPerCost);
    body?.drop();
    held.set(0);
    if (transfer !== undefined) transfers.done(transfer);
  }

  async function answer(exchange: Exchange): Promise<Answer> {
    const { req, headers, address, deadline } = exchange;
    if (origin.isForeign(req)) throw new HttpError(403, "This origin is not allowed.");
    const type = acceptedType(req.headers.accept);
    if (type === undefined) {
      const message = "Accept application/graphql-response+json or application/json, in UTF-8.";
      throw new HttpError(406, message);
    }
    const { viewer } = await origin.viewerOf(req.headers.authorization);
    const caller = callerOf(viewer, address);
    let requestId = "";
    try {
      // Before the body is received, which may be large.
      execution.admit(caller);
      const params = await paramsOf(exchange, caller);
      const ctx = origin.newContext(req);
      requestId = ctx.requestID ?? "";
      headers.push("x-request-id", requestId);
      const keys = new IdempotencyKeys(req.headers["idempotency-key"]);
      const sender = { ctx, viewer, address, keys, deadline };
      const { text, isExecuted, isThrottled } = await execute(exchange, params, sender, requestId);
      if (isThrottled) await tarpit.hold(caller);
      return { status: isExecuted || type === "application/json" ? 200 : 400, type, text };
    } catch (error) {
      if (hasCode(error, commonErrors.TOO_MANY_REQUESTS)) {
        await tarpit.hold(caller);
        throw tooManyRequests(error as Error);
      }
      if (!(error instanceof DocumentError)) throw error;
      const errors = error.errors.map((each) => execution.toClient(each, requestId));
      // The legacy media type has status 200 for a well-formed request with errors.
      const status = error.isMalformed || type !== "application/json" ? 400 : 200;
      return { status, type, text: JSON.stringify({ errors }) };
    }
  }

  /** Waits in the fair queue. Rejects if the deadline is aborted meanwhile. */
  async function waitInQueue({ group, deadline }: Exchange): Promise<void> {
    await fairQueue.turn(group);
    if (deadline.isAborted) throw overloaded("gateway");
  }

  /** Executes a request within the concurrency limit of its address. */
  async function execute(
    exchange: Exchange,
    params: RequestParams,
    sender: RequestSender,
    requestId: string,
  ): Promise<ExecutedAnswer> {
    const { req, group, deadline } = exchange;
    const slot = concurrency.acquire(group);
    try {
      if (slot !== undefined) await slot;
      if (deadline.isAborted) throw overloaded("gateway");
      if (!execution.isCached(params)) await waitInQueue(exchange);
      const operation = execution.prepare(params, sender);
      if (operation.kind === "subscription") {
        throw new HttpError(400, "Send subscriptions over WebSocket to this URL.");
      }
      if (operation.kind === "mutation" && req.method === "GET") {
        throw new HttpError(405, "Send mutations by POST.", { headers: { allow: "POST" } });
      }
      return await operation.run(requestId);
    } finally {
      concurrency.release(group);
    }
  }

  /** Reads the parameters of a request from its URL or its body. */
  async function paramsOf(exchange: Exchange, caller: string): Promise<RequestParams> {
    const { req, body, group } = exchange;
    if (req.method === "GET") return paramsOfUrl(req.url ?? "");
    if (body === undefined) {
      throw new HttpError(405, "Send GET or POST.", { headers: { allow: "GET, POST" } });
    }
    if (!isJson(req.headers)) {
      throw new HttpError(415, "Send application/json in UTF-8, not compressed.");
    }
    let text: string;
    try {
      text = await body.text();
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      throttle.charge(group, incompleteRequestCost);
      throw httpErrorOfBody(error);
    }
    execution.chargeBytes(caller, text.length);
    // Rejected before it is parsed: it may be long.
    if (/^\s*\[/.test(text)) {
      throw new HttpError(400, "Batched requests are not supported. Send one at a time.");
    }
    if (text.length > unqueuedBodyCharacters) await waitInQueue(exchange);
    const params = parseJson(text, "The body is not JSON.");
    if (typeof params !== "object" || params === null) {
      throw new HttpError(400, "The body is not a JSON object.");
    }
    return params;
  }

  /** Sends a response. One `writeHead` is several times faster than setting each header. */
  function send(exchange: Exchange, { status, type, text }: Answer): void {
    const { res, headers, held } = exchange;
    if (res.destroyed) return;
    const length = Buffer.byteLength(text);
    const excess = length > smallResponseBytes ? held.set(held.bytes + length) : undefined;
    if (excess !== undefined) {
      sendHttpError(res, headers, overloaded(excess));
      return;
    }
    headers.push("content-type", `${type}; charset=utf-8`, "content-length", String(length));
    res.writeHead(status, headers).end(text);
    if (res.writableLength > 0) waitForReader(exchange, length);
  }

  /** Limits the time and the memory of a response that the client has not read yet. */
  function waitForReader(exchange: Exchange, length: number): void {
    const { res, held } = exchange;
    const cut = () => res.destroy();
    if (length <= smallResponseBytes && held.set(held.bytes + length) !== undefined) {
      cut();
      return;
    }
    const endsAtMs = performance.now() + readTimeMs + length / readBytesPerMs;
    exchange.transfer = { endsAtMs, cut };
    transfers.add(exchange.transfer);
  }
}

/** A request and its response, from the request headers until the response is read. */
interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** Response headers, as alternating names and values. */
  headers: string[];
  address: string;
  /** The group of addresses that limits apply to. */
  group: string;
  /** Only of a POST. */
  body: RequestBody | undefined;
  deadline: Deadline;
  held: HeldBytes;
  /** The response while the client reads it. */
  transfer: Transfer | undefined;
}

interface Answer {
  status: number;
  type: AnswerType;
  text: string;
}

function isJson(headers: IncomingMessage["headers"]): boolean {
  const { "content-type": contentType = "", "content-encoding": encoding } = headers;
  if (encoding !== undefined && !isIdentity(encoding)) return false;
  if (contentType === "application/json") return true;
  const type = mediaTypeOf(contentType);
  return type?.essence === "application/json" && isUtf8(type);
}

/** Returns true for a list of codings that leave the body unchanged. */
function isIdentity(encoding: string): boolean {
  return encoding.split(",").every((coding) => /^(?:identity)?$/i.test(coding.trim()));
}

function paramsOfUrl(url: string): RequestParams {
  const start = url.indexOf("?");
  // Further question marks are part of the query (RFC 3986, 3.4).
  const search = new URLSearchParams(start < 0 ? "" : url.slice(start));
  const json = (name: string) => {
    const text = search.get(name);
    if (text === null || text === "") return undefined;
    return parseJson(text, `\`${name}\` is not JSON.`);
  };
  const operationName = search.get("operationName");
  return {
    query: search.get("query"),
    // An empty parameter counts as missing.
    operationName: operationName === "" ? undefined : operationName,
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

function parseJson(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, message);
  }
}

function tooManyRequests(error: Error & { data?: { retryAfter?: number } }): HttpError {
  const definition = commonErrors.TOO_MANY_REQUESTS;
  const retryAfter = error.data?.retryAfter ?? 1;
  const headers = { "retry-after": String(retryAfter) };
  const options = { definition, data: { retryAfter }, headers };
  return new HttpError(definition.status, error.message, options);
}

function httpErrorOfBody({ reason }: BodyError): HttpError {
  // The rest of the body is not read.
  const isLast = true;
  switch (reason) {
    case "not UTF-8":
      return new HttpError(400, "The body is not UTF-8.");
    case "too slow":
      return new HttpError(408, "The body was received too slowly.", { isLast });
    case "too many pieces":
      return new HttpError(400, "The body is sent in too many small pieces.", { isLast });
    case "too large": {
      const definition = commonErrors.QUERY_TOO_COMPLEX;
      const message = `The request body is larger than ${maxBodyBytes} bytes.`;
      const options = { definition, data: { limit: maxBodyBytes }, isLast };
      return new HttpError(definition.status, message, options);
    }
    default:
      return overloaded(reason);
  }
}

/** Makes the error for a limit on the resources of an address or of the gateway. */
function overloaded(excess: ExceededLimit): HttpError {
  const { TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE } = commonErrors;
  const definition = excess === "address" ? TOO_MANY_REQUESTS : SERVICE_UNAVAILABLE;
  const message =
    excess === "address"
      ? "Your address has too many requests in flight. Wait for their responses, then try again."
      : "The gateway is overloaded. Try again later.";
  const headers = { "retry-after": "1" };
  const data = excess === "address" ? { retryAfter: 1 } : {};
  return new HttpError(definition.status, message, {
    definition,
    data,
    headers,
    isLast: true,
  });
}

function sendHttpError(res: ServerResponse, headers: string[], error: HttpError): void {
  if (res.destroyed) return;
  if (isPipelined(res.req)) {
    cut(res.req.socket);
    return;
  }
  const text = JSON.stringify({ errors: [error.error] });
  headers.push(...Object.entries(error.headers).flat());
  if (error.isLast) closeAfterRejection(res);
  headers.push("content-type", "application/json; charset=utf-8");
  headers.push("content-length", String(Buffer.byteLength(text)));
  res.writeHead(error.status, headers).end(text);
}
