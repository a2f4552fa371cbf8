import type { ServerResponse } from "node:http";
import { commonErrors, type ErrorDefinition } from "../../../core/errors.ts";
import { apiErrors } from "../api.errors.ts";
import type { FormattedError } from "../graphql/graphql-errors.ts";
import { clientClosedRequest } from "../limits/deadline.ts";
import { maxBodyBytes } from "../limits/request-limits.ts";
import { overloadOf, type ExceededLimit } from "../limits/resource-usage.ts";
import { closeAfterRejection, cut, isPipelined } from "./connection-limits.ts";
import type { BodyError } from "./graphql/request-body.ts";

/** An error of the HTTP request, before GraphQL execution. */
export class HttpError extends Error {
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

/** Converts a TOO_MANY_REQUESTS error to a response with `Retry-After`. */
export function httpErrorOfRateLimit(error: Error & { data?: { retryAfter?: number } }): HttpError {
  const definition = commonErrors.TOO_MANY_REQUESTS;
  const retryAfter = error.data?.retryAfter ?? 1;
  const headers = { "retry-after": String(retryAfter) };
  const options = { definition, data: { retryAfter }, headers };
  return new HttpError(definition.status, error.message, options);
}

/** Makes the error for a method that GraphQL requests cannot have. */
export function httpErrorOfMethod(method: string | undefined): HttpError {
  // By PUT, graphql-sse reserves a stream for many operations.
  const reason =
    method === "PUT" ? " The single connection mode of graphql-sse is not supported." : "";
  return new HttpError(405, `Send GET or POST.${reason}`, { headers: { allow: "GET, POST" } });
}

/** Makes the error for a body that was rejected. */
export function httpErrorOfBody({ reason }: BodyError): HttpError {
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
      return overloaded(reason, { isLast });
  }
}

/** Makes the error that ends the handling of a request whose client has disconnected. */
export function httpErrorOfDisconnect(): HttpError {
  const definition = clientClosedRequest;
  return new HttpError(definition.status, definition.meaning, { definition, isLast: true });
}

/**
 * Makes the error for a limit on the resources of an address or of the gateway.
 *
 * @param isLast whether the rest of the request is not read, so that its connection closes
 */
export function overloaded(excess: ExceededLimit, { isLast = false } = {}): HttpError {
  const { definition, message, data } = overloadOf(excess);
  const headers = { "retry-after": "1" };
  return new HttpError(definition.status, message, {
    definition,
    data,
    headers,
    isLast,
  });
}

/**
 * Sends an error. Cuts the connection instead if the client pipelines many requests, and exceeds its
 * rate or gets an error that closes the connection.
 */
export function sendHttpError(res: ServerResponse, headers: string[], error: HttpError): void {
  if (res.destroyed) return;
  const isRejection = error.isLast || error.status === commonErrors.TOO_MANY_REQUESTS.status;
  if (isRejection && isPipelined(res.req)) {
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
