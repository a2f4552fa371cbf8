import { GraphQLError, type ASTNode, type GraphQLFormattedError } from "graphql";
import {
  ClientError,
  commonErrors,
  definitionOf,
  isUnreachable,
  type ErrorDefinition,
} from "../../../core/errors.ts";

const maxMessageLength = 400;
/** Errors of one check that a client is told: more of them help nobody, and take time and memory. */
export const maxErrors = 20;

/** A request that is refused before any action is called: what the client is told. */
export class DocumentError extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super("the document is refused");
    this.errors = errors;
  }

  /** True for what is not even a well-formed GraphQL request. */
  get isMalformed(): boolean {
    return this.errors.every(({ extensions }) => extensions.code === "BAD_REQUEST");
  }
}

/** Runs a check; a GraphQLError of it becomes a DocumentRefused. */
export function throwingDocumentError<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof GraphQLError) throw new DocumentError([error]);
    throw error;
  }
}

/** An error as a client gets it. */
export interface FormattedError extends GraphQLFormattedError {
  extensions: { code: string; [key: string]: unknown };
}

/** Gives an error of parsing or validating the code it is known by. */
export function withCode(
  error: GraphQLError,
  { code }: ErrorDefinition,
  data?: object,
): GraphQLError {
  return new GraphQLError(shortened(error.message), {
    nodes: error.nodes ?? null,
    path: error.path ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    originalError: error.originalError ?? null,
    extensions: { ...data, code },
  });
}

/** An error that a client is told before there is anything to execute. */
export function codedError(
  message: string,
  { code }: ErrorDefinition,
  data?: object,
): GraphQLError {
  return new GraphQLError(message, { extensions: { ...data, code } });
}

/** BAD_USER_INPUT for one field of the input. */
export function invalidInput(
  message: string,
  field: string,
  nodes?: readonly ASTNode[],
): GraphQLError {
  const told = shortened(message);
  const extensions = { code: "BAD_USER_INPUT", fields: [{ field, message: told }] };
  return new GraphQLError(told, { nodes: nodes ?? null, extensions });
}

/**
 * What a client may see of an error: a refusal with its code and data; SERVICE_UNAVAILABLE; and of
 * everything else a trace id, while `report` gets the whole.
 */
export function formatError(
  error: GraphQLError,
  traceId: string,
  report: (fault: unknown) => void,
): FormattedError {
  const known = definitionOf((error.extensions as { code?: unknown } | undefined)?.code);
  // Refused before anything was executed: its code is there already.
  if (known !== undefined) return told(error, error.message, known, error.extensions);
  const cause: unknown = error.originalError;
  const { type, data, message } = (cause ?? {}) as {
    type?: unknown;
    data?: object;
    message?: string;
  };
  const { SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR } = commonErrors;
  const definition = definitionOf(type) ?? ownDefinition(cause);
  if (definition !== undefined && definition !== INTERNAL_SERVER_ERROR) {
    const shown = definition === SERVICE_UNAVAILABLE ? {} : data;
    return told(error, message ?? definition.meaning, definition, shown);
  }
  if (isUnreachable(type)) return told(error, SERVICE_UNAVAILABLE.meaning, SERVICE_UNAVAILABLE);
  report(cause ?? error);
  return told(error, "Something went wrong on our side.", INTERNAL_SERVER_ERROR, { traceId });
}

/** The definition of an error that a discovered service has made. */
function ownDefinition(cause: unknown): ErrorDefinition | undefined {
  if (!(cause instanceof ClientError)) return undefined;
  return { code: cause.type, status: cause.code, meaning: cause.message };
}

/** A value that was sent stands in the sentence, however long it is. */
export function shortened(message: string): string {
  const end = maxMessageLength / 2;
  if (message.length <= maxMessageLength) return message;
  return `${message.slice(0, end)} … ${message.slice(-end)}`;
}

function told(
  { locations, path }: GraphQLError,
  message: string,
  { code }: ErrorDefinition,
  data?: object,
): FormattedError {
  const extensions = { ...data, code };
  return { message, ...(locations && { locations }), ...(path && { path }), extensions };
}
