/**
 * Thrown by a handler for events of its batch that no retry can apply, with the reasons by the ids of
 * the events. They become dead letters at once, and the other events of the batch are applied.
 */
export class PermanentEventFailure extends Error {
  readonly reasons: ReadonlyMap<string, string>;

  constructor(reasons: ReadonlyMap<string, string>) {
    super([...reasons.values()].join("; "));
    this.reasons = reasons;
  }
}

/**
 * Runs a transaction that applies a batch. If events fail permanently, runs it again with the reasons
 * by their ids: the rollback has removed what the handler has written for the others.
 */
export async function withoutPermanentFailures<Result>(
  apply: (failed: ReadonlyMap<string, string>) => Promise<Result>,
): Promise<Result> {
  const failed = new Map<string, string>();
  for (;;) {
    try {
      return await apply(failed);
    } catch (error) {
      if (!(error instanceof PermanentEventFailure)) throw error;
      const known = failed.size;
      for (const [id, reason] of error.reasons) failed.set(id, reason);
      // The handler fails for events that it did not get: a fault of the handler.
      if (failed.size === known) throw error;
    }
  }
}
