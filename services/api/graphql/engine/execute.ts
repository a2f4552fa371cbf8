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

function executeSelections(
  run: Run,
  selections: SelectionPlan,
  source: unknown,
  path: Path | undefined,
): Record<string, unknown> | Promise<Record<string, unknown>> {
  const result = emptyResult(selections);
  const pending: Pending[] = [];
  try {
    for (const field of selections.fields) {
      const key = field.responseKey;
      const value = executeField(run, field, source, path);
      if (isPromise(value)) {
        pending.push({ key, value });
        // Reserves the place of the key in the response.
        result[key] = null;
      } else result[key] = value;
    }
  } catch (error) {
    if (pending.length === 0) throw error;
    return filled(result, pending, error);
  }
  return pending.length === 0 ? result : filled(result, pending);
}

/** A part of a result that is still a promise. */
interface Pending {
  key: string | number;
  value: Promise<unknown>;
}

/**
 * Waits for all pending parts and adds them to the result. Rejects with the first error in document
 * order, so that the reported error does not depend on timing.
 *
 * @param fault a synchronous error of a part that comes after the pending parts
 */
function filled<Result extends object>(
  result: Result,
  pending: readonly Pending[],
  fault?: unknown,
): Promise<Result> {
  const parts = result as Record<string | number, unknown>;
  const [only] = pending;
  if (pending.length === 1 && only !== undefined && fault === undefined) {
    return only.value.then((part) => {
      parts[only.key] = part;
      return result;
    });
  }
  return new Promise((resolve, reject) => {
    let reason = fault;
    let failedAt = pending.length;
    let remaining = pending.length;
    const done = () => {
      remaining -= 1;
      if (remaining > 0) return;
      if (reason === undefined) resolve(result);
      // The error of a field, unchanged.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      else reject(reason);
    };
    pending.forEach(({ key, value }, index) => {
      value.then(
        (part) => {
          parts[key] = part;
          done();
        },
        (error: unknown) => {
          if (index < failedAt) [failedAt, reason] = [index, error];
          done();
        },
      );
    });
  });
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
      const completed = completeItem(run, field, item, value[key], path, key);
      if (isPromise(completed)) pending.push({ key, value: completed });
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
): unknown {
  if (shape.kind === "object") {
    const flat = flatObject(run, field.selections.get(shape.type), value);
    if (flat !== undefined) return flat;
  }
  const path = { prev: list, key, typename: undefined };
  try {
    if (shape.kind === "leaf") count(run);
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
  if (!selections?.isFlat || typeof source !== "object" || source === null) return undefined;
  if (source instanceof Error || isPromise(source)) return undefined;
  const { values, characters } = run;
  const undo = (): undefined => {
    run.values = values;
    run.characters = characters;
  };
  const result = emptyResult(selections);
  try {
    for (const field of selections.fields) {
      const { definition, responseKey, shape } = field;
      const value = (source as Record<string, unknown>)[definition.name];
      const isPlain = value === null || (typeof value !== "object" && typeof value !== "function");
      if (shape.kind !== "leaf" || !isPlain) {
        undo();
        return;
      }
      count(run);
      result[responseKey] = completeLeaf(run, field, shape, value);
    }
    return result;
  } catch {
    // The complete path reports the error.
    undo();
    return;
  }
}

function completeObject(
  run: Run,
  field: PlannedField,
  type: GraphQLObjectType,
  value: unknown,
  path: Path,
): unknown {
  const selections = field.selections.get(type);
  if (selections === undefined) throw new Error(`${nameOf(field)} has no plan for ${type.name}`);
  return executeSelections(run, selections, value, path);
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

function isPromise(value: unknown): value is Promise<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
