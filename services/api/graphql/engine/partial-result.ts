import type { SelectionPlan } from "./plan.ts";

/** Makes an object in which every response key, also `__proto__`, is an own property in order. */
export function emptyResult({ hasProto, fields }: SelectionPlan): Record<string, unknown> {
  const result = {};
  if (!hasProto) return result;
  for (const { responseKey } of fields) {
    const property = { value: null, configurable: true, enumerable: true, writable: true };
    Object.defineProperty(result, responseKey, property);
  }
  return result;
}

/** A part of a result that is still a promise. */
export interface Pending {
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
export async function filled<Result>(
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

export function isResolvedObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return !(value instanceof Error) && !isPromise(value);
}

export function isPromise(value: unknown): value is Promise<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
