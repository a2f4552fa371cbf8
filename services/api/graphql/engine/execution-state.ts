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
}

/** The result of an execution, and the number of fields and list items of the response. */
export interface Execution {
  result: ExecutionResult;
  values: number;
}

/** Reported errors of a response. */
export const maxAnswerErrors = 100;

/** Characters of all strings of a response. */
export const maxAnswerCharacters = 8_388_608;

/** The response exceeds a limit. */
export class AnswerTooLarge extends Error {
  readonly limit: number;
  readonly unit: string;

  constructor(limit: number, unit: string) {
    super(`a response has more than ${limit} ${unit}`);
    this.limit = limit;
    this.unit = unit;
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
  characters: number;
}

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
  if (run.values > maxQueryCost) throw new AnswerTooLarge(maxQueryCost, "values");
}

export function tooLarge({ limit, unit }: AnswerTooLarge): GraphQLError {
  const message = `The response has more than ${limit} ${unit}. Request fewer rows or fields. Completed mutations are not rolled back.`;
  return codedError(message, commonErrors.QUERY_TOO_COMPLEX, { limit });
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
