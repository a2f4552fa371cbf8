import {
  GraphQLError,
  locatedError,
  type ExecutionResult,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { commonErrors } from "../../../../core/errors.ts";
import { maxQueryCost } from "../../limits/request-limits.ts";
import { codedError } from "../graphql-errors.ts";
import type { Variables } from "./arguments.ts";
import type { Fragments, PlannedField, SelectionPlan, Shape } from "./plan.ts";

/** The input of an execution. */
export interface ExecutionInput {
  schema: GraphQLSchema;
  operation: OperationDefinitionNode;
  fragments: Fragments;
  plan: SelectionPlan;
  variables: Variables;
  context: unknown;
  /** The event that a subscription's fields are resolved from. */
  root?: unknown;
  /**
   * Tells how many bytes the response takes so far. Returns an error if the gateway has no room for
   * them; then the response consists of this error.
   */
  hold?: (bytes: number) => GraphQLError | undefined;
  /** Called when the response has become too large, so that it needs no further calls. */
  onTooLarge?: () => void;
}

/** The result of an execution, and the number of fields and list items of the response. */
export interface Execution {
  result: ExecutionResult;
  values: number;
}

/** Reported errors of a response. */
export const maxAnswerErrors = 100;

/** Bytes of all strings of a response, in UTF-8. */
export const maxAnswerBytes = 8_388_608;

/** The response exceeds a limit, and consists of an error in its place. */
export class AnswerTooLarge extends Error {
  readonly error: GraphQLError;

  constructor(error: GraphQLError) {
    super(error.message);
    this.error = error;
  }
}

/** The path to a value, from the last step to the first, in the form of graphql-js. */
export interface Path {
  readonly prev: Path | undefined;
  readonly key: string | number;
  readonly typename: string | undefined;
}

/** The state of one execution. */
export interface Run extends ExecutionInput {
  errors: GraphQLError[];
  /** Errors beyond the limit, which are only counted. */
  unreported: number;
  values: number;
  bytes: number;
  maxValues: number;
  /** The number of bytes beyond which `hold` is called again. */
  bytesHeld: number;
  /** Set when the response has become too large. */
  tooLarge: AnswerTooLarge | undefined;
}

export function newRun(input: ExecutionInput): Run {
  return {
    ...input,
    errors: [],
    unreported: 0,
    values: 0,
    bytes: 0,
    maxValues: maxQueryCost,
    bytesHeld: bytesPerHold,
    tooLarge: undefined,
  };
}

/** Bytes of a response between two calls of `hold`. */
const bytesPerHold = 32_768;
const bytesPerValue = 16;
/** The bytes of a shorter string count as its characters: to count them would take longer. */
const shortCharacters = 32;

export function nullOf(field: PlannedField, { isNonNull }: Shape): null {
  if (!isNonNull) return null;
  throw new Error(`Cannot return null for non-nullable field ${nameOf(field)}.`);
}

export function nameOf({ parentType, definition }: PlannedField): string {
  return `${parentType.name}.${definition.name}`;
}

/** Reports the error of a field or an item, and returns null. Throws it for a non-null type. */
export function failed(
  run: Run,
  { nodes }: PlannedField,
  { isNonNull }: Shape,
  error: unknown,
  path: Path,
): null {
  if (error instanceof AnswerTooLarge) throw error;
  const located = locatedError(error, nodes, keysOf(path));
  if (isNonNull) throw located;
  report(run, located);
  return null;
}

export function report(run: Run, error: GraphQLError): void {
  if (run.errors.length < maxAnswerErrors) run.errors.push(error);
  else run.unreported += 1;
}

/** Returns the errors of an execution, with a last error that counts the unreported errors. */
export function allErrors({ errors, unreported }: Run): GraphQLError[] {
  if (unreported === 0) return [...errors];
  const message = `${unreported} more fields of this response have errors. Only the first ${maxAnswerErrors} are listed.`;
  return [
    ...errors,
    codedError(message, commonErrors.QUERY_TOO_COMPLEX, { limit: maxAnswerErrors }),
  ];
}

export function count(run: Run): void {
  run.values += 1;
  if (run.values > run.maxValues) throw tooLarge(run, maxQueryCost, "values");
}

/** Counts the bytes of a string in the response. Throws if they exceed a limit. */
export function countBytes(run: Run, text: string): void {
  run.bytes += text.length < shortCharacters ? text.length : Buffer.byteLength(text);
  if (run.bytes <= run.bytesHeld) return;
  if (run.bytes > maxAnswerBytes) throw tooLarge(run, maxAnswerBytes, "bytes");
  run.bytesHeld = run.bytes + bytesPerHold;
  const size = run.bytesHeld + run.values * bytesPerValue;
  const excess = run.tooLarge === undefined ? run.hold?.(size) : run.tooLarge.error;
  if (excess !== undefined) throw ended(run, excess);
}

function tooLarge(run: Run, limit: number, unit: string): AnswerTooLarge {
  const message = `The response has more than ${limit} ${unit}. Request fewer rows or fields. Completed mutations are not rolled back.`;
  return ended(run, codedError(message, commonErrors.QUERY_TOO_COMPLEX, { limit }));
}

/** Ends an execution. Each value that is completed after that meets the same error. */
function ended(run: Run, error: GraphQLError): AnswerTooLarge {
  if (run.tooLarge === undefined) {
    run.tooLarge = new AnswerTooLarge(error);
    run.maxValues = -1;
    run.bytesHeld = -1;
    run.onTooLarge?.();
  }
  return run.tooLarge;
}

export function pathTo({ responseKey, parentType }: PlannedField, prev: Path | undefined): Path {
  return { prev, key: responseKey, typename: parentType.name };
}

function keysOf(path: Path): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let step: Path | undefined = path; step !== undefined; step = step.prev) keys.push(step.key);
  return keys.reverse();
}

/** What resolvers get as `info`: that of graphql-js, and the field of the plan. */
export interface PlannedInfo extends GraphQLResolveInfo {
  planned: PlannedField;
}

export function infoOf(run: ExecutionInput, field: PlannedField, path: Path): PlannedInfo {
  return {
    planned: field,
    fieldName: field.definition.name,
    fieldNodes: field.nodes,
    returnType: field.definition.type,
    parentType: field.parentType,
    path,
    schema: run.schema,
    fragments: run.fragments,
    rootValue: run.root,
    operation: run.operation,
    variableValues: run.variables,
  };
}
