import { GraphQLError } from "graphql";
import {
  errorCatalogue,
  isErrorCode,
  isUnreachable,
  type ErrorCode,
  type FieldFault,
} from "../../core/errors.ts";

const maxMessageLength = 400;

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

/**
 * What a client may see of an error that happened in execution: a refusal with its code and data;
 * SERVICE_UNAVAILABLE; and of everything else a trace id, while `report` gets the whole.
 */
export function clientError(
  error: GraphQLError,
  traceId: string,
  report: (fault: unknown) => void,
): GraphQLError {
  // Refused before anything was executed: its code is there already.
  if (isErrorCode(error.extensions.code)) return error;
  const cause: unknown = error.originalError;
  // Without a cause and a place: variables that do not fit the document.
  if (!cause && error.path === undefined) {
    const fault = variableFault(error.message);
    const data = { fields: [{ ...fault, message: shortened(fault.message) }] };
    return saying(error, shortened(error.message), "BAD_USER_INPUT", data);
  }

  const { type, data, message } = (cause ?? {}) as {
    type?: unknown;
    data?: object;
    message?: string;
  };
  if (isErrorCode(type) && type !== "INTERNAL_SERVER_ERROR") {
    return saying(
      error,
      message ?? errorCatalogue[type].meaning,
      type,
      type === "SERVICE_UNAVAILABLE" ? {} : data,
    );
  }
  if (isUnreachable(type)) {
    const code = "SERVICE_UNAVAILABLE";
    return saying(error, errorCatalogue[code].meaning, code);
  }
  report(cause ?? error);
  const code = "INTERNAL_SERVER_ERROR";
  return saying(error, "Something went wrong on our side.", code, { traceId });
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

function saying(
  error: GraphQLError,
  message: string,
  code: ErrorCode,
  data?: object,
): GraphQLError {
  const { nodes, source, positions, path } = error;
  const extensions = { ...data, code };
  return new GraphQLError(message, nodes, source, positions, path, undefined, extensions);
}
