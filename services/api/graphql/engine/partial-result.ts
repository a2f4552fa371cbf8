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
  key: string | number;
  value: Promise<unknown>;
}

/**
 * Waits for all pending parts and adds them to the result. Rejects with the first error in document
 * order, so that the reported error does not depend on timing.
 *
 * @param fault a synchronous error of a part that comes after the pending parts
 */
export function filled<Result extends object>(
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

export function isPromise(value: unknown): value is Promise<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
