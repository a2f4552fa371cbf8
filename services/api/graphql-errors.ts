import { GraphQLError, type GraphQLFormattedError } from "graphql";
import {
  errorCatalogue,
  isErrorCode,
  isUnreachable,
  type ErrorCode,
  type FieldFault,
} from "../../core/errors.ts";

const maxMessageLength = 400;

/** An error as a client gets it. */
export interface ClientError extends GraphQLFormattedError {
  extensions: { code: ErrorCode; [key: string]: unknown };
}

/** Gives an error of parsing or validating the code it is known by. */
export function withCode(error: GraphQLError, code: ErrorCode, data?: object): GraphQLError {
  const { nodes, source, positions, path, originalError } = error;
  const extensions = { ...data, code };
  return new GraphQLError(
    shortened(error.message),
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions,
  );
}

/** An error that a client is told before there is anything to execute. */
export function codedError(message: string, code: ErrorCode, data?: object): GraphQLError {
  return new GraphQLError(message, null, null, null, null, null, { ...data, code });
}

/**
 * What a client may see of an error: a refusal with its code and data; SERVICE_UNAVAILABLE; and of
 * everything else a trace id, while `report` gets the whole.
 */
export function clientError(
  error: GraphQLError,
  traceId: string,
  report: (fault: unknown) => void,
): ClientError {
  const { code: known } = (error.extensions as { code?: unknown } | undefined) ?? {};
  // Refused before anything was executed: its code is there already.
  if (isErrorCode(known)) return told(error, error.message, known, error.extensions);
  const cause: unknown = error.originalError;
  // Without a cause and a place: variables that do not fit the document.
  if (!cause && error.path === undefined) {
    const fault = variableFault(error.message);
    const data = { fields: [{ ...fault, message: shortened(fault.message) }] };
    return told(error, shortened(error.message), "BAD_USER_INPUT", data);
  }

  const { type, data, message } = (cause ?? {}) as {
    type?: unknown;
    data?: object;
    message?: string;
  };
  if (isErrorCode(type) && type !== "INTERNAL_SERVER_ERROR") {
    const shown = type === "SERVICE_UNAVAILABLE" ? {} : data;
    return told(error, message ?? errorCatalogue[type].meaning, type, shown);
  }
  if (isUnreachable(type)) {
    const code = "SERVICE_UNAVAILABLE";
    return told(error, errorCatalogue[code].meaning, code);
  }
  report(cause ?? error);
  return told(error, "Something went wrong on our side.", "INTERNAL_SERVER_ERROR", { traceId });
}

/** Where the fault lies, by graphql-js's sentence: `Variable "$input" got invalid value … at "input.price"; …` */
function variableFault(message: string): FieldFault {
  const [, variable = ""] = /^Variable "\$(\w+)"/.exec(message) ?? [];
  const [, path = variable] = / at "([\w.[\]]+)"; /.exec(message) ?? [];
  return { field: path, message };
}

/** A value that was sent stands in the sentence, however long it is. */
function shortened(message: string): string {
  const end = maxMessageLength / 2;
  if (message.length <= maxMessageLength) return message;
  return `${message.slice(0, end)} … ${message.slice(-end)}`;
}

function told(
  { locations, path }: GraphQLError,
  message: string,
  code: ErrorCode,
  data?: object,
): ClientError {
  const extensions = { ...data, code };
  return { message, ...(locations && { locations }), ...(path && { path }), extensions };
}
