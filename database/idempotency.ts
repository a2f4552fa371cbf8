import { createHash, createHmac } from "node:crypto";
import type { Context } from "moleculer";
import { DatabaseError } from "sequelize";
import { newId } from "../core/ids/ids.ts";
import { actorOf, type IdempotencyKey, type Meta } from "../core/access.ts";
import { isId } from "../core/validation.ts";
import { commonErrors, invalidField, ClientError } from "../core/errors.ts";
import type { Query } from "./statements/prepared-statements.ts";

/** A request with an idempotency key. */
export interface IdempotentRequest {
  /** The hash of caller, action and key. */
  id: Buffer;
  /** The keyed hash of the input. */
  fingerprint: Buffer;
  /** The id of the attempt that this call belongs to. */
  attempt: string;
  /** An anonymous caller can invent any number of keys. */
  isAnonymous: boolean;
}

/** The answer of the first of several duplicate requests. */
export interface StoredAnswer {
  answer: unknown;
}

const keptFor = "24 hours";
/** Printable ASCII. */
const keyPattern = /^[\x21-\x7e]{1,255}$/;
/** PostgreSQL's lock_not_available: a duplicate request held the lock for too long. */
const lockNotAvailable = "55P03";

const mismatch = () =>
  new ClientError(
    commonErrors.IDEMPOTENCY_MISMATCH,
    "This Idempotency-Key was used with another input. Use a new key.",
  );

export function inProgress(): ClientError {
  const message = "The same request is still in progress. Send it again later.";
  return new ClientError(commonErrors.IDEMPOTENCY_IN_PROGRESS, message);
}

/** Returns the idempotent request of a call; undefined for a call without a key. Throws BAD_USER_INPUT. */
export function idempotentRequest(
  ctx: Pick<Context<unknown, Meta>, "caller" | "meta" | "params" | "action">,
): IdempotentRequest | undefined {
  const metaKey: unknown = ctx.meta.idempotencyKey;
  if (metaKey === undefined) return undefined;
  const key = checkedKey(metaKey);
  const secret = typeof key === "string" ? key : key[0];
  const parts = JSON.stringify([callerOf(ctx), ctx.action?.name, key]);
  return {
    id: createHash("sha256").update(parts).digest(),
    fingerprint: createHmac("sha256", secret).update(canonical(ctx.params)).digest(),
    isAnonymous: actorOf(ctx).kind === "anonymous",
    attempt: isId(ctx.meta.attemptId) ? ctx.meta.attemptId : newId(),
  };
}

/** Returns a valid key. Throws BAD_USER_INPUT. */
function checkedKey(value: unknown): IdempotencyKey {
  const [sent, number] = Array.isArray(value) ? (value as unknown[]) : [value, 1];
  // In the REPL, a key of digits is a number.
  const key = typeof sent === "number" ? String(sent) : sent;
  if (typeof key !== "string" || !keyPattern.test(key) || !Number.isSafeInteger(number)) {
    const message = "An Idempotency-Key has 1 to 255 printable ASCII characters, and no spaces.";
    throw invalidField("Idempotency-Key", message);
  }
  return number === 1 ? key : [key, number as number];
}

/** Returns the scope of the caller: different callers can use the same key independently. */
function callerOf(ctx: Pick<Context<unknown, Meta>, "caller" | "meta">): string {
  const actor = actorOf(ctx);
  if (actor.kind === "user") return `user ${actor.id}`;
  return actor.kind === "operator" ? "operator" : `address ${ctx.meta.address ?? ""}`;
}

/** Returns equal JSON for equal inputs: an object's keys have no order, and null is an absent value. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(givenEntries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function givenEntries(input: object): [string, unknown][] {
  return Object.entries(input).filter(([, value]) => value !== null);
}

/** Throws IDEMPOTENCY_IN_PROGRESS if a duplicate request still holds the lock of the key's row. */
function inProgressIfLocked(error: unknown): never {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof DatabaseError ? (cause.parent as { code?: string }).code : "";
  throw code === lockNotAvailable ? inProgress() : error;
}

interface KeyRow {
  /** Empty if the key is free again. */
  fingerprint: Buffer;
  subject: string | null;
  answer: unknown;
}

/** Returns the stored answer of a duplicate request, if there is one. Throws IDEMPOTENCY_MISMATCH. */
export async function storedAnswer(
  query: Query,
  { id, fingerprint }: IdempotentRequest,
): Promise<StoredAnswer | undefined> {
  const [row] = await query<Omit<KeyRow, "subject">>(
    "SELECT fingerprint, answer FROM idempotency_keys WHERE id = $1",
    [id],
  );
  if (row === undefined || isFree(row)) return undefined;
  if (!row.fingerprint.equals(fingerprint)) throw mismatch();
  return row.answer === null ? undefined : { answer: row.answer };
}

/**
 * Returns the id of the row that the request creates: `proposed` at the first attempt. Duplicate
 * requests and retries get the same id, so that they share the stock reserved under it. Throws
 * IDEMPOTENCY_MISMATCH, or IDEMPOTENCY_IN_PROGRESS, also for an attempt that another node has rejected.
 */
export async function subjectOf(
  query: Query,
  { id, fingerprint, attempt }: IdempotentRequest,
  proposed: string,
): Promise<string> {
  const [row] = await query<KeyRow>(
    `INSERT INTO idempotency_keys AS noted (id, fingerprint, subject) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET subject = coalesce(noted.subject, excluded.subject),
       fingerprint = CASE noted.fingerprint WHEN '' THEN excluded.fingerprint ELSE noted.fingerprint END
       WHERE noted.refused_attempt IS NULL OR noted.refused_attempt < $4::uuid
     RETURNING fingerprint, subject, answer`,
    [id, fingerprint, proposed, attempt],
  ).catch(inProgressIfLocked);
  if (row === undefined) throw inProgress();
  if (!row.fingerprint.equals(fingerprint)) throw mismatch();
  // A stored answer is found when the caller looks it up again.
  if (row.answer !== null || row.subject === null) throw inProgress();
  return row.subject;
}

/** Removes the subject of a request without an answer, so that the next attempt gets another id. */
export async function dropSubject(
  query: Query,
  { id }: IdempotentRequest,
  subject: string,
): Promise<void> {
  await query(
    "UPDATE idempotency_keys SET subject = NULL WHERE id = $1 AND answer IS NULL AND subject = $2",
    [id, subject],
  );
}

/**
 * Releases the key for any input before the client receives an error. The row stays, so that
 * duplicates of this attempt and delayed earlier attempts cannot claim the key: none has an effect
 * after the error. Returns false and changes nothing if a duplicate has already taken effect.
 * Throws IDEMPOTENCY_IN_PROGRESS.
 */
export async function releaseKey(
  query: Query,
  { id, fingerprint, attempt }: IdempotentRequest,
  subject: string | undefined,
): Promise<boolean> {
  const released = await query(
    `INSERT INTO idempotency_keys AS freed (id, fingerprint, refused_attempt) VALUES ($1, '', $3)
     ON CONFLICT (id) DO UPDATE SET
       refused_attempt = greatest(freed.refused_attempt, excluded.refused_attempt),
       fingerprint = CASE WHEN freed.fingerprint = $2 AND freed.subject IS NOT DISTINCT FROM $4::uuid
         THEN '' ELSE freed.fingerprint END,
       subject = nullif(freed.subject, $4::uuid)
       WHERE freed.answer IS NULL
     RETURNING id`,
    [id, fingerprint, attempt, subject ?? null],
  ).catch(inProgressIfLocked);
  return released.length > 0;
}

function isFree({ fingerprint }: Pick<KeyRow, "fingerprint">): boolean {
  return fingerprint.length === 0;
}

/**
 * Claims the key as the first statement of the effect's transaction. Waits for a duplicate request
 * in progress and returns its answer. Throws IDEMPOTENCY_MISMATCH or IDEMPOTENCY_IN_PROGRESS.
 */
export async function claimKey(
  query: Query,
  request: IdempotentRequest,
  subject: string | undefined,
): Promise<StoredAnswer | undefined> {
  const claimed = await query(
    `INSERT INTO idempotency_keys AS kept (id, fingerprint, subject) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint
       WHERE kept.answer IS NULL AND kept.fingerprint IN (excluded.fingerprint, '')
         AND kept.subject IS NOT DISTINCT FROM excluded.subject
         AND (kept.refused_attempt IS NULL OR kept.refused_attempt < $4::uuid)
     RETURNING id`,
    [request.id, request.fingerprint, subject ?? null, request.attempt],
  ).catch(inProgressIfLocked);
  if (claimed.length > 0) return undefined;
  const stored = await storedAnswer(query, request);
  if (stored === undefined) throw inProgress();
  return stored;
}

/** Stores the answer in the transaction of the effect. */
export async function storeAnswer(
  query: Query,
  { id }: IdempotentRequest,
  answer: unknown,
): Promise<void> {
  await query("UPDATE idempotency_keys SET answer = $2 WHERE id = $1", [
    id,
    JSON.stringify(answer),
  ]);
}

/** Removes expired keys. */
export async function pruneKeys(query: Query): Promise<void> {
  await query("DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval", [keptFor]);
}
