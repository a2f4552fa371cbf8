import { GraphQLError, type ASTNode, type GraphQLFormattedError } from "graphql";
import {
  ClientError,
  commonErrors,
  definitionOf,
  isUnreachable,
  type ErrorDefinition,
} from "../../../core/errors.ts";

const maxMessageLength = 400;
/** Reported errors of one check. More errors do not help a client, and take time and memory. */
export const maxErrors = 20;

/** The errors of a request that is rejected before any action is called. */
export class DocumentError extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super("the document is rejected");
    this.errors = errors;
  }

  /** True if the request is not a well-formed GraphQL request. */
  get isMalformed(): boolean {
    return this.errors.every(({ extensions }) => extensions.code === "BAD_REQUEST");
  }
}

/** Runs a check. Converts a GraphQLError to a DocumentError. */
export function throwingDocumentError<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof GraphQLError) throw new DocumentError([error]);
    throw error;
  }
}

/** An error in a response. */
export interface FormattedError extends GraphQLFormattedError {
  extensions: { code: string; [key: string]: unknown };
}

/** Adds a code to an error of parsing or validation. */
export function withCode(error: GraphQLError, { code }: ErrorDefinition): GraphQLError {
  return new GraphQLError(shortened(error.message), {
    nodes: error.nodes ?? null,
    path: error.path ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    originalError: error.originalError ?? null,
    extensions: { code },
  });
}

/** Makes an error with a code, for a request that is rejected before execution. */
export function codedError(
  message: string,
  { code }: ErrorDefinition,
  data?: object,
): GraphQLError {
  return new GraphQLError(message, { extensions: { ...data, code } });
}

/** Makes a BAD_USER_INPUT error for one field of the input. */
export function invalidInput(
  message: string,
  field: string,
  nodes?: readonly ASTNode[],
): GraphQLError {
  const text = shortened(message);
  const extensions = { code: "BAD_USER_INPUT", fields: [{ field, message: text }] };
  return new GraphQLError(text, { nodes: nodes ?? null, extensions });
}

/**
 * Formats an error for the client. An expected error keeps its code and data. A failed call becomes
 * SERVICE_UNAVAILABLE. Other errors go to `report`, and become INTERNAL_SERVER_ERROR with an id.
 */
export function formatError(
  error: GraphQLError,
  traceId: string,
  report: (fault: unknown) => void,
): FormattedError {
  const coded = definitionOf((error.extensions as { code?: unknown } | undefined)?.code);
  // An error from before the execution has its code already.
  if (coded !== undefined) return format(error, error.message, coded, error.extensions);
  const cause: unknown = error.originalError;
  const { type, data, message } = (cause ?? {}) as {
    type?: unknown;
    data?: object;
    message?: string;
  };
  const { SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR } = commonErrors;
  const definition = definitionOf(type) ?? discoveredDefinition(cause);
  if (definition !== undefined && definition !== INTERNAL_SERVER_ERROR) {
    const visibleData = definition === SERVICE_UNAVAILABLE ? {} : data;
    return format(error, message ?? definition.meaning, definition, visibleData);
  }
  if (isUnreachable(type)) return format(error, SERVICE_UNAVAILABLE.meaning, SERVICE_UNAVAILABLE);
  report(cause ?? error);
  return format(error, "An internal error occurred.", INTERNAL_SERVER_ERROR, { traceId });
}

/** Returns the definition of a ClientError of a discovered service. */
function discoveredDefinition(cause: unknown): ErrorDefinition | undefined {
  if (!(cause instanceof ClientError)) return undefined;
  return { code: cause.type, status: cause.code, meaning: cause.message };
}

/** Shortens a message, which may quote a long value of the request. */
export function shortened(message: string): string {
  const end = maxMessageLength / 2;
  if (message.length <= maxMessageLength) return message;
  return `${message.slice(0, end)} … ${message.slice(-end)}`;
}

function format(
  { locations, path }: GraphQLError,
  message: string,
  { code }: ErrorDefinition,
  data?: object,
): FormattedError {
  const extensions = { ...data, code };
  // An error of the whole operation has an empty path on its way here.
  const hasPath = path !== undefined && path.length > 0;
  return { message, ...(locations && { locations }), ...(hasPath && { path }), extensions };
}
