import {
  OperationTypeNode,
  GraphQLError,
  defaultTypeResolver,
  type GraphQLObjectType,
} from "graphql";
import {
  AnswerTooLarge,
  nullOf,
  nameOf,
  failed,
  report,
  allErrors,
  count,
  pathTo,
  infoOf,
  newRun,
  type ExecutionInput,
  type Execution,
  type Path,
  type Run,
} from "./execution-state.ts";
import { completeLeaf, notPlain, plainProperty, resolve, runtimeType } from "./field-value.ts";
import {
  emptyResult,
  filled,
  isPromise,
  isResolvedObject,
  type Pending,
} from "./partial-result.ts";
import type { PlannedField, SelectionPlan, Shape } from "./plan.ts";

/**
 * Executes the plan of a query, of a mutation, or of one event of a subscription, by "6.2" to "6.4"
 * of the GraphQL specification. The root fields of a mutation run serially, until an error makes
 * the whole response null. Never rejects for errors of fields. A response that is too large becomes
 * a QUERY_TOO_COMPLEX error.
 */
export async function executePlan(input: ExecutionInput): Promise<Execution> {
  const run = newRun(input);
  const { plan, root, operation } = input;
  let data: Record<string, unknown> | null;
  try {
    data = await (operation.operation === OperationTypeNode.MUTATION
      ? executeSerially(run, plan, root)
      : executeSelections(run, plan, root, undefined));
  } catch (error) {
    // Another field may have failed before, because its calls were not made any more.
    const tooLarge = error instanceof AnswerTooLarge ? error : run.tooLarge;
    if (tooLarge !== undefined) {
      return { result: { errors: [tooLarge.error], data: null }, values: run.values };
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

/** Resolves and completes a field. Throws or rejects only if its error makes the parent null. */
function executeField(
  run: Run,
  field: PlannedField,
  source: unknown,
  parentPath: Path | undefined,
): unknown {
  const { shape } = field;
  try {
    count(run);
    if (shape.kind === "leaf" && typeof source === "object" && source !== null) {
      const value = plainProperty(field, source as Record<string, unknown>);
      if (value !== notPlain) return completeLeaf(run, field, shape, value);
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

function completeList(
  run: Run,
  field: PlannedField,
  { item }: Shape & { kind: "list" },
  value: unknown,
  path: Path,
): unknown {
  if (!Array.isArray(value)) throw new Error(`${nameOf(field)} has a value that is not a list.`);
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
  const { values, bytes } = run;
  const result = emptyResult(selections);
  if (fillFlat(run, selections, source, result)) return result;
  run.values = values;
  run.bytes = bytes;
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
      const { shape } = field;
      const value = plainProperty(field, source);
      if (shape.kind !== "leaf" || value === notPlain) return false;
      count(run);
      result[field.responseKey] = completeLeaf(run, field, shape, value);
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
  if (selections === undefined) throw new Error(`${nameOf(field)} has no plan for ${type.name}.`);
  return executeSelections(run, selections, value, path, outer);
}
