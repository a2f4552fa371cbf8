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
import { closeAfterRefusal, cut, isPipelined } from "./http-server.ts";
import { IdempotencyKeys } from "../graphql/idempotency-keys.ts";
import { HeldBytes, type ExceededLimit, type ResourceUsage } from "../limits/resource-usage.ts";
import { Deadline, type DeadlineTimer } from "../limits/deadline.ts";
import type { ConcurrencyLimit } from "../limits/concurrency-limit.ts";
import { BodyError, RequestBody, dropBody } from "./request-body.ts";
import { maxBodyBytes } from "../limits/request-limits.ts";
import { Tarpit } from "../limits/tarpit.ts";
import type { Transfer, TransferWatch } from "./transfer-watch.ts";
import type { FairQueue } from "../limits/fair-queue.ts";

/** What the handler needs of the gateway. */
export interface HttpOrigin {
  viewerOf: (authorization: string | undefined) => Promise<{ viewer: Viewer }>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** What every answer says, names and values in turn. */
  headersFor: (req: IncomingMessage) => readonly string[];
  /** A context of the gateway's own, on whose behalf a request calls. */
  newContext: (req: IncomingMessage) => Context<unknown, Meta>;
  watch: DeadlineTimer;
  load: ResourceUsage;
  transfers: TransferWatch;
  places: ConcurrencyLimit;
  turns: FairQueue;
}

/** Longer bodies take their turn: parsing them takes a millisecond and more. */
const quicklyParsedCharacters = 16_384;
/** A request that was not received as a whole costs its sender so much, and more for its bytes. */
const brokenOffCost = 50;
/** Answers up to here are sent at once; larger ones only where there is room for them. */
const smallAnswerBytes = 65_536;
/** How long reading an answer may take at least, and how much of it a second. */
const readTimeMs = 10_000;
const readBytesPerMs = 64;

/** An answer that is no GraphQL answer, or not yet one. */
class HttpError extends Error {
  readonly status: number;
  readonly error: FormattedError;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the connection is of no more use. */
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

/** Serves operations by the GraphQL-over-HTTP specification. Rejects with faults of ours only. */
export function graphqlOverHttp(execution: GraphqlExecution, origin: HttpOrigin) {
  const tarpit = new Tarpit();
  const { load, places, transfers, turns, watch } = origin;
  const { throttle } = execution;

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const address = origin.addressOf(req);
    const group = addressGroup(address);
    const headers = [...origin.headersFor(req)];
    const excess = load.acquire(group, "requests");
    if (excess !== undefined) {
      dropBody(req);
      sendHttpError(res, headers, overloaded(excess));
      return;
    }
    const held = new HeldBytes(load, group);
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
    watch.add(exchange.deadline);
    res.once("close", () => {
      ended(exchange);
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

  /** Gives back what a request has taken, once its answer is read or its sender has gone. */
  function ended({ req, res, group, body, deadline, held, transfer }: Exchange): void {
    load.release(group, "requests");
    watch.done(deadline);
    // Nobody waits any more for what is still to do.
    if (!res.writableFinished) deadline.abort();
    if (!req.complete) throttle.charge(group, brokenOffCost + held.bytes / bytesPerCost);
    body?.drop();
    held.set(0);
    if (transfer !== undefined) transfers.done(transfer);
  }

  async function answer(exchange: Exchange): Promise<Answer> {
    const { req, headers, address, deadline } = exchange;
    if (origin.isForeign(req)) throw new HttpError(403, "Pages of this origin may not call here.");
    const type = acceptedType(req.headers.accept);
    if (type === undefined) {
      const message = "Accept application/graphql-response+json or application/json, in UTF-8.";
      throw new HttpError(406, message);
    }
    const { viewer } = await origin.viewerOf(req.headers.authorization);
    const caller = callerOf(viewer, address);
    let requestId = "";
    try {
      // Before a body is received, which may be large.
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
      const errors = error.errors.map((one) => execution.toClient(one, requestId));
      // It was a request all the same; what is no request is 400 in any case.
      const status = error.isMalformed || type !== "application/json" ? 400 : 200;
      return { status, type, text: JSON.stringify({ errors }) };
    }
  }

  /** Waits for the turn of an address. Rejects where nobody waits for the answer any more. */
  async function turn({ group, deadline }: Exchange): Promise<void> {
    await turns.turn(group);
    if (deadline.isAborted) throw overloaded("gateway");
  }

  /** Executes a request when there is a place for it. */
  async function execute(
    exchange: Exchange,
    params: RequestParams,
    sender: RequestSender,
    requestId: string,
  ): Promise<ExecutedAnswer> {
    const { req, group, deadline } = exchange;
    const isFree = places.acquire(group);
    try {
      if (isFree !== undefined) await isFree;
      if (deadline.isAborted) throw overloaded("gateway");
      if (!execution.isCached(params)) await turn(exchange);
      const operation = execution.prepare(params, sender);
      if (operation.kind === "subscription") {
        throw new HttpError(400, "Subscriptions run over WebSocket, at this address.");
      }
      if (operation.kind === "mutation" && req.method === "GET") {
        throw new HttpError(405, "Send mutations by POST.", { headers: { allow: "POST" } });
      }
      return await operation.run(requestId);
    } finally {
      places.release(group);
    }
  }

  /** Reads a request's parts from its URL or its body. */
  async function paramsOf(exchange: Exchange, caller: string): Promise<RequestParams> {
    const { req, body, group } = exchange;
    if (req.method === "GET") return paramsOfUrl(req.url ?? "");
    if (body === undefined) {
      throw new HttpError(405, "Send GET or POST.", { headers: { allow: "GET, POST" } });
    }
    if (!isJson(req.headers)) {
      throw new HttpError(415, "Send application/json, in UTF-8 and not compressed.");
    }
    let text: string;
    try {
      text = await body.text();
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      throttle.charge(group, brokenOffCost);
      throw httpErrorOfBody(error);
    }
    execution.chargeBytes(caller, text.length);
    // Not parsed before it is refused: it may be long.
    if (/^\s*\[/.test(text)) {
      throw new HttpError(400, "Batches are not taken: send one request at a time.");
    }
    if (text.length > quicklyParsedCharacters) await turn(exchange);
    const sent = parseJson(text, "The body is not JSON.");
    if (typeof sent !== "object" || sent === null) {
      throw new HttpError(400, "The body is no JSON object.");
    }
    return sent;
  }

  /** Sends an answer whole, with its headers in one go: set one by one they take several times as long. */
  function send(exchange: Exchange, { status, type, text }: Answer): void {
    const { res, headers, held } = exchange;
    if (res.destroyed) return;
    const length = Buffer.byteLength(text);
    const excess = length > smallAnswerBytes ? held.set(held.bytes + length) : undefined;
    if (excess !== undefined) {
      sendHttpError(res, headers, overloaded(excess));
      return;
    }
    headers.push("content-type", `${type}; charset=utf-8`, "content-length", String(length));
    res.writeHead(status, headers).end(text);
    if (res.writableLength > 0) waitForReader(exchange, length);
  }

  /** Not all of an answer could be handed on: its reader has some time for it, and some room. */
  function waitForReader(exchange: Exchange, length: number): void {
    const { res, held } = exchange;
    const cut = () => res.destroy();
    if (length <= smallAnswerBytes && held.set(held.bytes + length) !== undefined) {
      cut();
      return;
    }
    const endsAtMs = performance.now() + readTimeMs + length / readBytesPerMs;
    exchange.transfer = { endsAtMs, cut };
    transfers.add(exchange.transfer);
  }
}

/** A request and its answer, from its headers until the answer is read. */
interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** Of the answer, names and values in turn. */
  headers: string[];
  /** Where it comes from, and the group that this address is counted in. */
  address: string;
  group: string;
  /** Of a POST. */
  body: RequestBody | undefined;
  deadline: Deadline;
  held: HeldBytes;
  /** Of the answer, while it is being read. */
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

/** A list of codings that change nothing. */
function isIdentity(encoding: string): boolean {
  return encoding.split(",").every((coding) => /^(?:identity)?$/i.test(coding.trim()));
}

function paramsOfUrl(url: string): RequestParams {
  const start = url.indexOf("?");
  // Further question marks are part of what stands behind the first (RFC 3986, 3.4).
  const search = new URLSearchParams(start < 0 ? "" : url.slice(start));
  const json = (name: string) => {
    const text = search.get(name);
    if (text === null || text === "") return undefined;
    return parseJson(text, `\`${name}\` is not JSON.`);
  };
  const operationName = search.get("operationName");
  return {
    query: search.get("query"),
    // A parameter that is there and empty says as little as none; no operation has such a name.
    operationName: operationName === "" ? undefined : operationName,
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

function parseJson(text: string, complaint: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, complaint);
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
  // What is still coming is not read.
  const isLast = true;
  switch (reason) {
    case "no UTF-8":
      return new HttpError(400, "The body is not UTF-8.");
    case "too slow":
      return new HttpError(408, "The body did not come in time.", { isLast });
    case "too many pieces":
      return new HttpError(400, "The body comes in too many small pieces.", { isLast });
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

/** Refuses what there is no room for: one address has too much under way, or all together have. */
function overloaded(excess: ExceededLimit): HttpError {
  const { TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE } = commonErrors;
  const definition = excess === "address" ? TOO_MANY_REQUESTS : SERVICE_UNAVAILABLE;
  const message =
    excess === "address"
      ? "Your address has too much under way; wait for answers, read them, and try again."
      : "The gateway has too much under way; try again.";
  const headers = { "retry-after": "1" };
  const data = excess === "address" ? { retryAfter: 1 } : {};
  return new HttpError(definition.status, message, {
    definition,
    data,
    headers,
    isLast: true,
  });
}

function sendHttpError(res: ServerResponse, headers: string[], refusal: HttpError): void {
  if (res.destroyed) return;
  if (isPipelined(res.req)) {
    cut(res.req.socket);
    return;
  }
  const text = JSON.stringify({ errors: [refusal.error] });
  headers.push(...Object.entries(refusal.headers).flat());
  if (refusal.isLast) closeAfterRefusal(res);
  headers.push("content-type", "application/json; charset=utf-8");
  headers.push("content-length", String(Buffer.byteLength(text)));
  res.writeHead(refusal.status, headers).end(text);
}
