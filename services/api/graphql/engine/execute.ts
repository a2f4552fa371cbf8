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

/** What an execution works with. */
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

/** What an execution gives, and how many fields and list items the answer has. */
export interface Execution {
  result: ExecutionResult;
  values: number;
}

/** Errors that an answer tells of. */
export const maxAnswerErrors = 100;
/** Characters of the texts of an answer. */
export const maxAnswerCharacters = 8_388_608;

/** The answer has grown beyond what any answer may have. */
class AnswerTooLarge extends Error {
  readonly limit: number;
  readonly unit: string;

  constructor(limit: number, unit: string) {
    super(`an answer has more than ${limit} ${unit}`);
    this.limit = limit;
    this.unit = unit;
  }
}

/** A step of the way to a value, from the last to the first; the same form as graphql-js's. */
interface Path {
  readonly prev: Path | undefined;
  readonly key: string | number;
  readonly typename: string | undefined;
}

/** The state of one execution. */
interface Run extends ExecutionInput {
  errors: GraphQLError[];
  /** Errors beyond the limit, which are only counted. */
  untold: number;
  values: number;
  characters: number;
}

/**
 * Executes the plan of a query, of a mutation, or of one event of a subscription, by "6.2" to "6.4"
 * of the GraphQL specification. The root fields of a mutation run one after the other; the first
 * that makes the whole answer null is the last. Never rejects for errors of fields; an answer that
 * grows too large is QUERY_TOO_COMPLEX.
 */
export async function executePlan(input: ExecutionInput): Promise<Execution> {
  const run: Run = { ...input, errors: [], untold: 0, values: 0, characters: 0 };
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

/** An object for an answer, in which each response key will be an own property, in their order. */
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
        // It keeps its place in the answer.
        result[key] = null;
      } else result[key] = value;
    }
  } catch (error) {
    if (pending.length === 0) throw error;
    return filled(result, pending, error);
  }
  return pending.length === 0 ? result : filled(result, pending);
}

/** A part of a result that comes later. */
interface Pending {
  key: string | number;
  value: Promise<unknown>;
}

/**
 * Places what comes later into its result, and waits for all of it. Rejects with the first error in
 * the order of the document: which of several is told does not depend on which came first.
 *
 * @param fault an error that came at once, of what stands behind all that is pending
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
    let left = pending.length;
    const done = () => {
      left -= 1;
      if (left > 0) return;
      if (reason === undefined) resolve(result);
      // As it is: an error of a field.
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

/** Resolves and completes a field. Throws, or rejects, only where its error makes its parent null. */
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

/** Completes a value or the promise of one. Throws its errors; those of a promise are handled here. */
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

/** What was completed, or null for what is rejected below; that goes on where null is not allowed. */
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

/** Makes of what a resolver gave what the answer has. */
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
  const found: unknown = (type.resolveType ?? defaultTypeResolver)(value, run.context, info, type);
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
    throw new Error(`${nameOf(field)} has a value that is no ${shape.type.name}`);
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
  if (!Array.isArray(value)) throw new Error(`${nameOf(field)} has a value that is no list`);
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
 * Completes at once an object of which only plain properties are asked for, as those of most long
 * lists. Gives undefined, and leaves no trace, where anything is not as simple as that.
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
    // Whoever completes the object step by step tells of it.
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
  found: unknown,
): GraphQLObjectType {
  const runtime = typeof found === "string" ? schema.getType(found) : found;
  if (isObjectType(runtime) && schema.isSubType(type, runtime)) return runtime;
  throw new Error(`${nameOf(field)} has a value that is of no type of ${type.name}`);
}

function nullOf(field: PlannedField, { isNonNull }: Shape): null {
  if (!isNonNull) return null;
  throw new Error(`Cannot return null for non-nullable field ${nameOf(field)}.`);
}

function nameOf({ parentType, definition }: PlannedField): string {
  return `${parentType.name}.${definition.name}`;
}

/** Reports the error of a field or an item, and gives null; throws it where null is not allowed. */
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
  else run.untold += 1;
}

/** The errors of an execution, with a last one that says how many are not told. */
function allErrors({ errors, untold }: Run): GraphQLError[] {
  if (untold === 0) return [...errors];
  const message = `${untold} more fields of this answer have errors; these are the first ${maxAnswerErrors}.`;
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
  const message = `The answer has more than ${limit} ${unit}; ask for fewer rows or fields. What mutations did stays done.`;
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
