import type { Context } from "moleculer";
import type { Meta } from "../core/access.ts";
import type { Contract } from "../core/contract.ts";
import { commonErrors, hasCode, isClientError } from "../core/errors.ts";
import { newId } from "../core/ids/ids.ts";
import type { Counter } from "../core/metrics/series.ts";
import * as idempotency from "../database/idempotency.ts";
import type { Query } from "../database/statements/prepared-statements.ts";
import type { Database } from "./database-types.ts";
import type { RequestsInProgress } from "./requests-in-progress.ts";

/**
 * Runs a use case for a call that may have an idempotency key: see `Database.idempotent`.
 *
 * @param running the requests of this database
 * @param replaysOf returns the counter of the stored answers that an action has returned again
 */
export async function runIdempotent<Models, Events extends Contract["events"], Result>(
  database: Database<Models, Events>,
  running: RequestsInProgress,
  replaysOf: (action: string) => Counter | undefined,
  ctx: Pick<Context<unknown, Meta>, "caller" | "meta" | "params" | "action">,
  useCase: (database: Database<Models, Events>) => Promise<Result>,
): Promise<Result> {
  const { query } = database;
  const request = idempotency.idempotentRequest(ctx);
  if (request === undefined) return useCase(database);
  // The series begins at 0, before the first replay: `rate` ignores its first sample.
  const replays = replaysOf(ctx.action?.name ?? "");
  const replayed = ({ answer }: idempotency.StoredAnswer) => {
    replays?.add();
    return answer as Result;
  };
  const { requestDatabase, releaseKey } = databaseOf(database, request, replayed);
  const orStored = async (work: () => Promise<Result>) => {
    try {
      return await work();
    } catch (error) {
      return replayed(await storedDespite(error, query, request, releaseKey));
    }
  };
  const first = running.answerOf(request);
  if (first !== undefined) return orStored(async () => replayed({ answer: await first }));
  const run = async () => {
    const stored = await idempotency.storedAnswer(query, request);
    return stored ? replayed(stored) : orStored(() => useCase(requestDatabase));
  };
  const answer = run();
  running.add(request, answer);
  return answer;
}

/**
 * Returns the answer that a duplicate request has stored, although this one has failed. Without one,
 * throws the error. Then it releases the key, if the request was rejected.
 */
async function storedDespite(
  error: unknown,
  query: Query,
  request: idempotency.IdempotentRequest,
  releaseKey: () => Promise<boolean>,
): Promise<idempotency.StoredAnswer> {
  // A duplicate request may have finished first, or the connection was lost after the commit.
  const stored = await idempotency.storedAnswer(query, request).catch(() => undefined);
  if (stored !== undefined) return stored;
  // With these errors, the key belongs to another request.
  const isForeignKey =
    hasCode(error, commonErrors.IDEMPOTENCY_IN_PROGRESS) ||
    hasCode(error, commonErrors.IDEMPOTENCY_MISMATCH);
  if (!isClientError(error) || isForeignKey) throw error;
  // A rejected anonymous request stores no key, because such callers can invent any number. A late
  // duplicate of it can take effect.
  if (request.isAnonymous || (await releaseKey())) throw error;
  // A duplicate request has stored its answer in the meantime.
  const late = await idempotency.storedAnswer(query, request);
  if (late === undefined) throw error;
  return late;
}

/**
 * Returns the database of one idempotent request, and a function that releases its key.
 *
 * @param replayed returns a stored answer
 */
function databaseOf<Models, Events extends Contract["events"]>(
  database: Database<Models, Events>,
  request: idempotency.IdempotentRequest,
  replayed: (stored: idempotency.StoredAnswer) => unknown,
) {
  const { query } = database;
  let subject: string | undefined;
  const requestDatabase: typeof database = {
    ...database,
    request,
    async newId(atMs) {
      return (subject = await idempotency.subjectOf(query, request, newId(atMs)));
    },
    dropId: (id) => idempotency.dropSubject(query, request, id),
    transaction: (useCase) =>
      database.transaction(async (work) => {
        const stored = await idempotency.claimKey(work.query, request, subject);
        if (stored !== undefined) return replayed(stored) as never;
        const answer = await useCase(work);
        await idempotency.storeAnswer(work.query, request, answer);
        return answer;
      }),
  };
  return {
    requestDatabase,
    releaseKey: () => idempotency.releaseKey(query, request, subject),
  };
}
