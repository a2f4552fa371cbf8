import type { IncomingMessage, ServerResponse } from "node:http";
import { addressGroup } from "../../../../core/network/caller-address.ts";
import { commonErrors, hasCode } from "../../../../core/errors.ts";
import { activeSpan } from "../../../../core/tracing/spans.ts";
import { acceptedType, acceptsEventStream, type AnswerType } from "./accepted-type.ts";
import {
  answerOf,
  lastEventId,
  loggedExchange,
  type Exchange,
  type HttpAnswer,
} from "./exchange.ts";
import { DocumentError } from "../../graphql/graphql-errors.ts";
import {
  bytesPerCost,
  requestCost,
  type GraphqlExecution,
} from "../../graphql/graphql-execution.ts";
import type {
  ExecutedAnswer,
  Operation,
  RequestParams,
  RequestSender,
} from "../../graphql/graphql-operation.ts";
import {
  HttpError,
  httpErrorOfBody,
  httpErrorOfDisconnect,
  httpErrorOfMethod,
  overloaded,
  sendHttpError,
  httpErrorOfRateLimit,
} from "../http-errors.ts";
import { IdempotencyKeys } from "../../graphql/idempotency-keys.ts";
import { callerOf } from "../../limits/callers.ts";
import { HeldBytes } from "../../limits/resource-usage.ts";
import { Deadline } from "../../limits/deadline.ts";
import { maxExecutionMs } from "../../limits/request-limits.ts";
import type { ConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import { BodyError, RequestBody, dropBody } from "./request-body.ts";
import { isJson, paramsOfBody, paramsOfUrl } from "./request-params.ts";
import type { EventStreamResponses } from "../../subscriptions/transports/event-stream-response.ts";
import type { GatewayParts } from "../../subscriptions/transports/live-client.ts";
import { sendAnswer } from "./send-answer.ts";
import { Tarpit } from "../../limits/tarpit.ts";

/** What the handler needs from the gateway. */
export interface HttpParts extends GatewayParts {
  /** Headers of every response, as alternating names and values. */
  headersFor: (req: IncomingMessage) => readonly string[];
  concurrency: ConcurrencyLimit;
}

/**
 * A received request. It is parsed after its last wait: the values of parsed JSON can take 30 times
 * the memory of its text, which no limit counts.
 */
interface ReceivedRequest {
  parse: () => RequestParams;
  /** Whether it waits in the fair queue. */
  isLong: boolean;
}

/** Longer bodies wait in the fair queue: parsing them takes a millisecond or more. */
const unqueuedBodyCharacters = 16_384;
/** The cost of an incomplete request, in addition to its bytes. */
const incompleteRequestCost = 50;

/**
 * Serves operations by the GraphQL-over-HTTP specification, and subscriptions as Server-Sent Events.
 */
export class GraphqlOverHttp {
  readonly #execution: GraphqlExecution;
  readonly #parts: HttpParts;
  readonly #streams: EventStreamResponses;
  readonly #tarpit = new Tarpit();

  constructor(execution: GraphqlExecution, parts: HttpParts, streams: EventStreamResponses) {
    this.#execution = execution;
    this.#parts = parts;
    this.#streams = streams;
  }

  /**
   * Handles a request for the GraphQL URL. Rejects only for internal errors.
   *
   * @param isHead whether the client gets only the headers of the response
   */
  async handle(req: IncomingMessage, res: ServerResponse, isHead: boolean): Promise<void> {
    const { usage, timeLimits, requestLog } = this.#parts;
    const address = this.#parts.addressOf(req);
    const group = addressGroup(address);
    // A cache may store the response of a GET that does not forbid it.
    const headers = [...this.#parts.headersFor(req), "cache-control", "no-store"];
    const excess = usage.acquire(group, "requests");
    if (excess !== undefined) {
      dropBody(req);
      sendHttpError(res, headers, overloaded(excess, { isLast: true }));
      requestLog.rejected(req, res);
      return;
    }
    const held = new HeldBytes(usage, group);
    const body = req.method === "POST" ? new RequestBody(req, res, held, timeLimits) : undefined;
    if (body === undefined) dropBody(req);
    const exchange: Exchange = {
      req,
      res,
      isHead,
      headers,
      address,
      group,
      body,
      deadline: new Deadline(),
      held,
      requestId: "",
      traceId: undefined,
      viewer: undefined,
      operation: undefined,
      durationMs: 0,
      status: undefined,
      isHandled: false,
      isClosed: false,
    };
    timeLimits.set(exchange.deadline, maxExecutionMs);
    res.once("close", () => {
      this.#release(exchange);
    });
    try {
      const answered = await this.#answer(exchange);
      if (answered !== undefined) sendAnswer(exchange, answered, timeLimits);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      exchange.operation ??= { fields: [], codes: [error.error.extensions.code] };
      sendHttpError(res, headers, error);
    } finally {
      body?.drop();
      exchange.isHandled = true;
      this.#log(exchange);
    }
  }

  /** Releases the resources of a request after its response is read or its client disconnects. */
  #release(exchange: Exchange): void {
    const { usage, timeLimits } = this.#parts;
    const { req, res, group, body, deadline, held } = exchange;
    usage.release(group, "requests");
    timeLimits.clear(deadline);
    if (!res.writableFinished) deadline.disconnect();
    if (!req.complete) {
      const cost = incompleteRequestCost + held.bytes / bytesPerCost;
      this.#execution.throttle.charge(group, cost);
    }
    body?.drop();
    held.set(0);
    exchange.status = res.headersSent ? res.statusCode : undefined;
    exchange.isClosed = true;
    this.#log(exchange);
  }

  /**
   * Logs a request when its handling and its connection are over. If the client disconnects first, the
   * faults of its operation before that are known later.
   */
  #log(exchange: Exchange): void {
    if (exchange.isHandled && exchange.isClosed) {
      this.#parts.requestLog.done(loggedExchange(exchange));
    }
  }

  /** Returns the response; undefined for an event stream, which is already open. */
  async #answer(exchange: Exchange): Promise<HttpAnswer | undefined> {
    const execution = this.#execution;
    const { req, res, headers, address, deadline, held } = exchange;
    if (this.#parts.isForeign(req)) {
      throw new HttpError(403, "This origin is not allowed.", { isLast: true });
    }
    const type = acceptedType(req.headers.accept);
    if (type === undefined) {
      const message =
        "Accept application/graphql-response+json, application/json or text/event-stream, in UTF-8.";
      throw new HttpError(406, message, { isLast: true });
    }
    const { authorization } = req.headers;
    const { viewer } = await this.#parts.viewerOf(authorization);
    exchange.viewer = viewer;
    const caller = callerOf(viewer, address);
    let requestId = "";
    try {
      // Before the body is received, which may be large.
      execution.admit(caller);
      const received = await this.#receive(exchange, caller);
      const ctx = this.#parts.newContext(req);
      requestId = ctx.requestID ?? "";
      Object.assign(exchange, { requestId, traceId: activeSpan()?.traceId });
      headers.push("x-request-id", requestId);
      const keys = new IdempotencyKeys(req.headers["idempotency-key"]);
      const userAgent = req.headers["user-agent"];
      const resumeAfter = lastEventId(req);
      const onDone: RequestSender["onDone"] = (operation, durationMs) => {
        exchange.operation = operation;
        if (operation.kind === "subscription") exchange.durationMs = durationMs;
      };
      const sender = { ctx, viewer, address, userAgent, keys, deadline, resumeAfter, onDone };
      const done = await this.#execute(exchange, received, sender, requestId);
      if (!("text" in done)) {
        await this.#streams.open(
          { res, headers, address, authorization, requestId, deadline, held },
          done,
        );
        return undefined;
      }
      if (done.isThrottled) await this.#tarpit.hold(caller);
      return answerOf(type, done.text, done.isExecuted);
    } catch (error) {
      return this.#answerOfError(error, { type, caller, requestId });
    }
  }

  /** Returns the response for a document with errors. Rejects with any other error. */
  async #answerOfError(
    error: unknown,
    { type, caller, requestId }: { type: AnswerType; caller: string; requestId: string },
  ): Promise<HttpAnswer> {
    const execution = this.#execution;
    if (hasCode(error, commonErrors.TOO_MANY_REQUESTS)) {
      await this.#tarpit.hold(caller);
      throw httpErrorOfRateLimit(error as Error);
    }
    // `prepare` charges for the others.
    if (error instanceof HttpError) execution.throttle.charge(caller, requestCost);
    if (!(error instanceof DocumentError)) throw error;
    const errors = error.errors.map((each) => execution.toClient(each, requestId));
    const text = JSON.stringify({ errors });
    if (!error.isMalformed) return answerOf(type, text, false);
    // As for other errors of the HTTP request, the body is not an event stream.
    return { status: 400, type: type === "text/event-stream" ? "application/json" : type, text };
  }

  /** Waits in the fair queue. Rejects if the deadline is aborted meanwhile. */
  async #waitInQueue({ group, deadline }: Exchange): Promise<void> {
    const { fairQueue, usage } = this.#parts;
    await fairQueue.turn(group);
    if (deadline.isDisconnected) throw httpErrorOfDisconnect();
    if (deadline.isAborted) throw overloaded(usage.reject("gateway"));
  }

  /** Executes a request within the concurrency limit of its address. Returns a subscription as it is. */
  async #execute(
    exchange: Exchange,
    received: ReceivedRequest,
    sender: RequestSender,
    requestId: string,
  ): Promise<ExecutedAnswer | Operation> {
    const { concurrency, usage } = this.#parts;
    const { req, group, deadline, isHead } = exchange;
    const startedMs = performance.now();
    const slot = concurrency.acquire(group);
    const mayRun = slot === true || (await slot);
    try {
      if (deadline.isDisconnected) throw httpErrorOfDisconnect();
      if (!mayRun || deadline.isAborted) throw overloaded(usage.reject("gateway"));
      let operation = this.#prepareCached(received, sender);
      if (operation === undefined) {
        await this.#waitInQueue(exchange);
        operation = this.#execution.prepare(received.parse(), sender);
      }
      if (operation.kind === "subscription") {
        if (isHead) throw httpErrorOfMethod(req.method);
        if (acceptsEventStream(req.headers.accept)) return operation;
        const message =
          "Accept text/event-stream, or send subscriptions over WebSocket to this URL.";
        throw new HttpError(400, message);
      }
      if (operation.kind === "mutation" && req.method === "GET") {
        throw new HttpError(405, "Send mutations by POST.", { headers: { allow: "POST" } });
      }
      return await operation.run(requestId);
    } finally {
      exchange.durationMs = performance.now() - startedMs;
      if (mayRun) concurrency.release(group);
    }
  }

  /** Prepares a request without the fair queue; undefined if that may take more CPU time. */
  #prepareCached(received: ReceivedRequest, sender: RequestSender): Operation | undefined {
    if (received.isLong) return undefined;
    const params = received.parse();
    return this.#execution.isCached(params) ? this.#execution.prepare(params, sender) : undefined;
  }

  async #receive({ req, body, group }: Exchange, caller: string): Promise<ReceivedRequest> {
    if (req.method === "GET") {
      return { parse: () => paramsOfUrl(req.url ?? ""), isLong: false };
    }
    if (body === undefined) throw httpErrorOfMethod(req.method);
    if (!isJson(req.headers)) {
      throw new HttpError(415, "Send application/json in UTF-8, not compressed.");
    }
    let text: string;
    try {
      text = await body.text();
    } catch (error) {
      if (!(error instanceof BodyError)) throw req.complete ? error : httpErrorOfDisconnect();
      this.#execution.throttle.charge(group, incompleteRequestCost);
      throw httpErrorOfBody(error);
    }
    this.#execution.chargeBytes(caller, text.length);
    const isLong = text.length > unqueuedBodyCharacters;
    const parse = () => {
      const parsed = text;
      // A long text is parsed once, and would take its memory as long as the operation runs.
      if (isLong) text = "";
      return paramsOfBody(parsed);
    };
    return { parse, isLong };
  }
}
