import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import type { Viewer } from "../../../core/access.ts";
import { LogBudget } from "../../../core/logging/log-budget.ts";
import { LogFields } from "../../../core/logging/log-fields.ts";
import { traceIdWithoutSpan } from "../../../core/tracing/trace.ts";
import { isFaultCode, type OperationReport } from "./operation-metrics.ts";

/** Lines about faults and slow operations per second. */
const maxLinesPerSecond = 20;
/** Root fields and codes of one line, and characters of the operation's name. */
const maxItems = 10;
const maxNameLength = 80;

/** Shortens the name that a client gave its operation, for logs and spans. */
export function shortName(name: string): string {
  return name.slice(0, maxNameLength);
}

/** A request, or an operation of a WebSocket connection. */
export interface LoggedRequest {
  transport: "http" | "websocket";
  method?: string | undefined;
  /** Only a path that the gateway knows: others are the text of a client. */
  path?: string | undefined;
  /** The status of the response; undefined if the client disconnected before. */
  status?: number | undefined;
  operation?: OperationReport | undefined;
  /** The time of the execution, without the time in which the client sends and reads. */
  durationMs: number;
  requestId?: string | undefined;
  /** Of its span; undefined without one. */
  traceId?: string | undefined;
  viewer?: Viewer | undefined;
}

/**
 * Writes one line for each operation that is slow or fails by a fault of the shop; with the access
 * log, one for each request. The lines have no address, no document and no value of a client except
 * the operation's name.
 */
export class RequestLog {
  /** Whether requests without a fault have a line, too. */
  readonly isAccessLog: boolean;
  readonly #slowMs: number;
  readonly #logger: ServiceBroker["logger"];
  readonly #budget: LogBudget;

  constructor(
    logger: ServiceBroker["logger"],
    { accessLog, slowOperationMs }: { accessLog: boolean; slowOperationMs: number },
  ) {
    this.isAccessLog = accessLog;
    this.#slowMs = slowOperationMs;
    this.#logger = logger;
    this.#budget = new LogBudget(maxLinesPerSecond, (lines) => {
      const message = `${lines} lines about slow or failed operations were left out of the log.`;
      logger.warn(new LogFields({ left_out: lines }), message);
    });
  }

  /** Writes the error behind an INTERNAL_SERVER_ERROR. */
  fault(requestId: string, fault: unknown): void {
    if (this.#budget.take()) this.#logger.error(`request ${requestId} failed`, fault);
  }

  /** Writes the line of a GraphQL request that was rejected before its headers were read. */
  rejected({ method }: IncomingMessage, { statusCode: status }: ServerResponse): void {
    this.done({ transport: "http", method, path: "/graphql", status, durationMs: 0 });
  }

  /**
   * With the access log, writes the line of a request for a page when it is over.
   *
   * @param path undefined for a page that does not exist
   */
  follow(req: IncomingMessage, res: ServerResponse, path: string | undefined): void {
    if (!this.isAccessLog) return;
    const { method } = req;
    const startedMs = performance.now();
    res.once("close", () => {
      const status = res.headersSent ? res.statusCode : undefined;
      const durationMs = performance.now() - startedMs;
      this.done({ transport: "http", method, path, status, durationMs });
    });
  }

  /** Writes the line of a request that is done. */
  done(request: LoggedRequest): void {
    const { operation, status = 200, durationMs } = request;
    const isFailed = status >= 500 || (operation?.codes.some(isFaultCode) ?? false);
    if (isFailed || durationMs >= this.#slowMs) {
      if (!this.isAccessLog && !this.#budget.take()) return;
      this.#logger.warn(fieldsOf(request), isFailed ? "operation failed" : "operation slow");
    } else if (this.isAccessLog) this.#logger.info(fieldsOf(request), "request");
  }
}

function fieldsOf(request: LoggedRequest): LogFields {
  const { transport, method, path, status, operation, viewer, durationMs } = request;
  const traceId = traceIdOf(request);
  return new LogFields({
    transport,
    method,
    path,
    status,
    operation: operation?.kind,
    operation_name: operation?.name === undefined ? undefined : shortName(operation.name),
    fields: operation?.fields.slice(0, maxItems),
    codes: operation?.codes.slice(0, maxItems),
    duration_ms: Math.round(durationMs),
    // A request that was rejected before its headers were read has none.
    request_id: request.requestId === "" ? undefined : request.requestId,
    ...(traceId !== undefined && { trace_id: traceId }),
    user_id: viewer?.kind === "user" ? viewer.id : undefined,
  });
}

function traceIdOf({ transport, traceId, requestId = "" }: LoggedRequest): string | undefined {
  // An operation of a WebSocket connection may have a span, whose id is not known here. A request
  // that is rejected early has no id.
  if (traceId !== undefined || transport === "websocket" || requestId === "") return traceId;
  return traceIdWithoutSpan(requestId);
}
