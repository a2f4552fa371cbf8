import { commonErrors } from "../../../../core/errors.ts";
import {
  OperationTypeNode,
  GraphQLError,
  defaultTypeResolver,
  isObjectType,
  locatedError,
  type ExecutionResult,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { codedError } from "../graphql-errors.ts";
import { maxQueryCost } from "../../limits/request-limits.ts";
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
class AnswerTooLarge extends Error {
  readonly limit: number;
  readonly unit: string;

  constructor(limit: number, unit: string) {
    super(`a response has more than ${limit} ${unit}`);
    this.limit = limit;
    this.unit = unit;
  }
}

/** The path to a value, from the last step to the first, in the form of graphql-js. */
interface Path {
  readonly prev: Path | undefined;
  readonly key: string | number;
  readonly typename: string | undefined;
}

/** The state of one execution. */
interface Run extends ExecutionInput {
  errors: GraphQLError[];
  /** Errors beyond the limit, which are only counted. */
  unreported: number;
  values: number;
  characters: number;
}

/**
 * Executes the plan of a query, of a mutation, or of one event of a subscription, by "6.2" to "6.4"
 * of the GraphQL specification. The root fields of a mutation run serially, until an error makes
 * the whole response null. Never rejects for errors of fields. A response that is too large becomes
 * a QUERY_TOO_COMPLEX error.
 */
export async function executePlan(input: ExecutionInput): Promise<Execution> {
  const run: Run = { ...input, errors: [], unreported: 0, values: 0, characters: 0 };
  const { plan, root, operation } = input;
  let data: Record<string, unknown> | null;
  try {
    data = await (operation.operation === OperationTypeNode.MUTATION
      ? executeSerially(run, plan, root)
      : executeSelections(run, plan, root, undefined));
  } catch (error) {
    if (error instanceof AnswerTooLarge) {
      return { result: { errors: [tooLarge(error)], data: null }, values: run.values };
    }
    data = null;
    report(run, error as GraphQLError);
  }
  const errors = allErrors(run);
  return { result: errors.length > 0 ? { errors, data } : { data }, values: run.values };
}

async function executeSerially(
  run: Run,
  selections: SelectionPlan,
  source: unknown,
): Promise<Record<string, unknown>> {
  const result = emptyResult(selections);
  for (const field of selections.fields) {
    result[field.responseKey] = await executeField(run, field, source, undefined);
  }
  return result;
}

/** Makes an object in which every response key, also `__proto__`, is an own property in order. */
function emptyResult({ hasProto, fields }: SelectionPlan): Record<string, unknown> {
  const result = {};
  if (!hasProto) return result;
  for (const { responseKey } of fields) {
    const property = { value: null, configurable: true, enumerable: true, writable: true };
    Object.defineProperty(result, responseKey, property);
  }
  return result;
}

/**
 * Completes the fields of an object.
 *
 * @param outer the pending parts of a value that this object belongs to and whose error its own
 * error is. They get the pending fields, so that the object needs no promise.
 */
function executeSelections(
  run: Run,
  selections: SelectionPlan,
  source: unknown,
  path: Path | undefined,
  outer?: Pending[],
): Record<string, unknown> | Promise<Record<string, unknown>> {
  const target = emptyResult(selections);
  const pending = outer ?? [];
  try {
    for (const field of selections.fields) {
      const key = field.responseKey;
      const value = executeField(run, field, source, path);
      if (isPromise(value)) {
        pending.push({ target, key, value });
        // Reserves the place of the key in the response.
        target[key] = null;
      } else target[key] = value;
    }
  } catch (error) {
    if (outer !== undefined || pending.length === 0) throw error;
    return filled(target, pending, error);
  }
  return outer !== undefined || pending.length === 0 ? target : filled(target, pending);
}

/** A part of a result that is still a promise. */
interface Pending {
  target: object;
  key: string | number;
  value: Promise<unknown>;
}

/**
 * Waits for all pending parts and adds them to the result. Rejects with the first error in document
 * order, so that the reported error does not depend on timing.
 *
 * @param fault a synchronous error of a part that comes after the pending parts
 */
async function filled<Result>(
  result: Result,
  pending: readonly Pending[],
  fault?: unknown,
): Promise<Result> {
  // A part may reject while an earlier one is awaited.
  for (const { value } of pending) value.catch(handledBelow);
  let reason: unknown;
  for (const { target, key, value } of pending) {
    try {
      (target as Record<string | number, unknown>)[key] = await value;
    } catch (error) {
      reason ??= error;
    }
  }
  reason ??= fault;
  // The error of a field, unchanged.
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  if (reason !== undefined) throw reason;
  return result;
}

function handledBelow(): void {
  // Nothing to do.
}

/** Resolves and completes a field. Throws or rejects only if its error makes the parent null. */
function executeField(
  run: Run,
  field: PlannedField,
  source: unknown,
  parentPath: Path | undefined,
): unknown {
  const { definition, shape } = field;
  try {
    count(run);
    if (shape.kind === "leaf" && definition.resolve === undefined) {
      const value = property(source, definition.name);
      if (typeof value !== "object" && typeof value !== "function") {
        return completeLeaf(run, field, shape, value);
      }
    }
    const path = pathTo(field, parentPath);
    return completeOrNull(run, field, shape, resolve(run, field, source, path), path);
  } catch (error) {
    return failed(run, field, shape, error, pathTo(field, parentPath));
  }
}

/** Completes a value or a promise. Throws the errors of a value, handles those of a promise. */
function completeOrNull(
  run: Run,
  field: PlannedField,
  shape: Shape,
  value: unknown,
  path: Path,
): unknown {
  if (!isPromise(value)) {
    return settled(run, field, shape, complete(run, field, shape, value, path), path);
  }
  const fail = (error: unknown) => failed(run, field, shape, error, path);
  return value.then((resolved) => {
    try {
      return settled(run, field, shape, complete(run, field, shape, resolved, path), path);
    } catch (error) {
      return fail(error);
    }
  }, fail);
}

/** Handles the rejection of a completed value. A non-null type passes it on to the parent. */
function settled(
  run: Run,
  field: PlannedField,
  shape: Shape,
  completed: unknown,
  path: Path,
): unknown {
  if (shape.isNonNull || !isPromise(completed)) return completed;
  return completed.catch((error: unknown) => failed(run, field, shape, error, path));
}

function resolve(run: Run, field: PlannedField, source: unknown, path: Path): unknown {
  const { definition, readArguments } = field;
  const value = definition.resolve === undefined ? property(source, definition.name) : undefined;
  if (definition.resolve === undefined && typeof value !== "function") return value;
  const args = readArguments(run.variables);
  const info = infoOf(run, field, path);
  if (definition.resolve !== undefined) return definition.resolve(source, args, run.context, info);
  const owner = source as Record<string, (...args: unknown[]) => unknown>;
  return owner[definition.name]?.(args, run.context, info);
}

function property(source: unknown, name: string): unknown {
  return typeof source === "object" && source !== null
    ? (source as Record<string, unknown>)[name]
    : undefined;
}

/** Converts the value of a resolver to the value in the response. */
function complete(
  run: Run,
  field: PlannedField,
  shape: Shape,
  value: unknown,
  path: Path,
): unknown {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) return nullOf(field, shape);
  if (shape.kind === "leaf") return completeLeaf(run, field, shape, value);
  if (shape.kind === "list") return completeList(run, field, shape, value, path);
  if (shape.kind === "object") return completeObject(run, field, shape.type, value, path);
  const info = infoOf(run, field, path);
  const { type } = shape;
  const resolveType = type.resolveType ?? defaultTypeResolver;
  const found: unknown = resolveType(value, run.context, info, type);
  const completeAs = (runtime: unknown) =>
    completeObject(run, field, runtimeType(run, field, shape, runtime), value, path);
  if (!isPromise(found)) return completeAs(found);
  return found.then(completeAs).catch((error: unknown) => failed(run, field, shape, error, path));
}

function completeLeaf(
  run: Run,
  field: PlannedField,
  shape: Shape & { kind: "leaf" },
  value: unknown,
): unknown {
  if (value === null || value === undefined) return nullOf(field, shape);
  const serialized: unknown = shape.type.serialize(value);
  if (serialized === undefined || serialized === null) {
    throw new Error(`${nameOf(field)} has a value that is not a ${shape.type.name}`);
  }
  if (typeof serialized === "string") {
    run.characters += serialized.length;
    if (run.characters > maxAnswerCharacters) {
      throw new AnswerTooLarge(maxAnswerCharacters, "characters");
    }
  }
  return serialized;
}

function completeList(
  run: Run,
  field: PlannedField,
  { item }: Shape & { kind: "list" },
  value: unknown,
  path: Path,
): unknown {
  if (!Array.isArray(value)) throw new Error(`${nameOf(field)} has a value that is not a list`);
  const items: unknown[] = [];
  const pending: Pending[] = [];
  try {
    for (let key = 0; key < value.length; key += 1) {
      const completed = completeItem(run, field, item, value[key], path, key, pending);
      if (isPromise(completed)) pending.push({ target: items, key, value: completed });
      items.push(completed);
    }
  } catch (error) {
    if (pending.length === 0) throw error;
    return filled(items, pending, error);
  }
  return pending.length === 0 ? items : filled(items, pending);
}

function completeItem(
  run: Run,
  field: PlannedField,
  shape: Shape,
  value: unknown,
  list: Path,
  key: number,
  pending: Pending[],
): unknown {
  if (shape.kind === "object") {
    const flat = flatObject(run, field.selections.get(shape.type), value);
    if (flat !== undefined) return flat;
  }
  const path = { prev: list, key, typename: undefined };
  try {
    if (shape.kind === "leaf") count(run);
    if (shape.kind === "object" && shape.isNonNull && isResolvedObject(value)) {
      return completeObject(run, field, shape.type, value, path, pending);
    }
    return completeOrNull(run, field, shape, value, path);
  } catch (error) {
    return failed(run, field, shape, error, path);
  }
}

/**
 * Completes an object with only scalar properties synchronously, which is the fast path of long
 * lists. Returns undefined, without side effects, if a property needs more.
 */
function flatObject(
  run: Run,
  selections: SelectionPlan | undefined,
  source: unknown,
): Record<string, unknown> | undefined {
  if (!selections?.isFlat || !isResolvedObject(source)) return undefined;
  const { values, characters } = run;
  const result = emptyResult(selections);
  if (fillFlat(run, selections, source, result)) return result;
  run.values = values;
  run.characters = characters;
  return undefined;
}

/** Returns false if a property needs the complete path, which also reports the errors. */
function fillFlat(
  run: Run,
  { fields }: SelectionPlan,
  source: Readonly<Record<string, unknown>>,
  result: Record<string, unknown>,
): boolean {
  try {
    for (const field of fields) {
      const { definition, responseKey, shape } = field;
      const value = source[definition.name];
      const isPlain = value === null || (typeof value !== "object" && typeof value !== "function");
      if (shape.kind !== "leaf" || !isPlain) return false;
      count(run);
      result[responseKey] = completeLeaf(run, field, shape, value);
    }
    return true;
  } catch {
    return false;
  }
}

function completeObject(
  run: Run,
  field: PlannedField,
  type: GraphQLObjectType,
  value: unknown,
  path: Path,
  outer?: Pending[],
): unknown {
  const selections = field.selections.get(type);
  if (selections === undefined) throw new Error(`${nameOf(field)} has no plan for ${type.name}`);
  return executeSelections(run, selections, value, path, outer);
}

function runtimeType(
  { schema }: Run,
  field: PlannedField,
  { type }: Shape & { kind: "abstract" },
  resolved: unknown,
): GraphQLObjectType {
  const runtime = typeof resolved === "string" ? schema.getType(resolved) : resolved;
  if (isObjectType(runtime) && schema.isSubType(type, runtime)) return runtime;
  throw new Error(`${nameOf(field)} has a value that is not of a type of ${type.name}`);
}

function nullOf(field: PlannedField, { isNonNull }: Shape): null {
  if (!isNonNull) return null;
  throw new Error(`Cannot return null for non-nullable field ${nameOf(field)}.`);
}

function nameOf({ parentType, definition }: PlannedField): string {
  return `${parentType.name}.${definition.name}`;
}

/** Reports the error of a field or an item, and returns null. Throws it for a non-null type. */
function failed(
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

function report(run: Run, error: GraphQLError): void {
  if (run.errors.length < maxAnswerErrors) run.errors.push(error);
  else run.unreported += 1;
}

/** Returns the errors of an execution, with a last error that counts the unreported errors. */
function allErrors({ errors, unreported }: Run): GraphQLError[] {
  if (unreported === 0) return [...errors];
  const message = `${unreported} more fields of this response have errors. Only the first ${maxAnswerErrors} are listed.`;
  return [
    ...errors,
    codedError(message, commonErrors.QUERY_TOO_COMPLEX, { limit: maxAnswerErrors }),
  ];
}

function count(run: Run): void {
  run.values += 1;
  if (run.values > maxQueryCost) throw new AnswerTooLarge(maxQueryCost, "values");
}

function tooLarge({ limit, unit }: AnswerTooLarge): GraphQLError {
  const message = `The response has more than ${limit} ${unit}. Request fewer rows or fields. Completed mutations are not rolled back.`;
  return codedError(message, commonErrors.QUERY_TOO_COMPLEX, { limit });
}

function pathTo({ responseKey, parentType }: PlannedField, prev: Path | undefined): Path {
  return { prev, key: responseKey, typename: parentType.name };
}

function keysOf(path: Path): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let step: Path | undefined = path; step !== undefined; step = step.prev) keys.push(step.key);
  return keys.reverse();
}

export function infoOf(run: ExecutionInput, field: PlannedField, path: Path): GraphQLResolveInfo {
  return {
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

function isResolvedObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return !(value instanceof Error) && !isPromise(value);
}

function isPromise(value: unknown): value is Promise<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
