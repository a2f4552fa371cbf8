import { createHash, createHmac } from "node:crypto";
import type { Context } from "moleculer";
import { DatabaseError } from "sequelize";
import { newId } from "../core/ids.ts";
import { actorOf, type IdempotencyKey, type Meta } from "../core/access.ts";
import { isId } from "../core/validation.ts";
import { commonErrors, badUserInput, ClientError } from "../core/errors.ts";
import type { Query } from "./prepared-statements.ts";

/** A request that its sender has given a key. */
export interface IdempotentRequest {
  /** Of this caller, this action and this key. */
  id: Buffer;
  /** Of the input. */
  fingerprint: Buffer;
  /** The id of the attempt that this call belongs to. */
  attempt: string;
  /** Nobody who is signed in: anybody can make up any number of keys. */
  isAnonymous: boolean;
}

/** What the first of equal requests was answered. */
export interface StoredAnswer {
  answer: unknown;
}

const keptFor = "24 hours";
/** Printable ASCII. */
const keyPattern = /^[\x21-\x7e]{1,255}$/;
/** PostgreSQL's lock_not_available: the first of the twins took too long. */
const lockNotAvailable = "55P03";

const mismatch = () =>
  new ClientError(
    commonErrors.IDEMPOTENCY_MISMATCH,
    "This Idempotency-Key came with another input before.",
  );
const inProgress = () =>
  new ClientError(
    commonErrors.IDEMPOTENCY_IN_PROGRESS,
    "The same request is still at work; send it again.",
  );

/** The keyed request that a call is; undefined where it has no key. Refuses with BAD_USER_INPUT. */
export function idempotentRequest(
  ctx: Pick<Context<unknown, Meta>, "caller" | "meta" | "params" | "action">,
): IdempotentRequest | undefined {
  const given: unknown = ctx.meta.idempotencyKey;
  if (given === undefined) return undefined;
  const key = checkedKey(given);
  const secret = typeof key === "string" ? key : key[0];
  const parts = JSON.stringify([callerOf(ctx), ctx.action?.name, key]);
  return {
    id: createHash("sha256").update(parts).digest(),
    fingerprint: createHmac("sha256", secret).update(canonical(ctx.params)).digest(),
    isAnonymous: actorOf(ctx).kind === "anonymous",
    attempt: isId(ctx.meta.attemptId) ? ctx.meta.attemptId : newId(),
  };
}

/** Refuses with BAD_USER_INPUT what is no key. */
function checkedKey(given: unknown): IdempotencyKey {
  const [sent, number] = Array.isArray(given) ? (given as unknown[]) : [given, 1];
  // Whoever calls by hand may give a number.
  const key = typeof sent === "number" ? String(sent) : sent;
  if (typeof key !== "string" || !keyPattern.test(key) || !Number.isSafeInteger(number)) {
    const message = "An Idempotency-Key has 1 to 255 printable ASCII characters, and no spaces.";
    throw badUserInput([{ field: "Idempotency-Key", message }]);
  }
  return number === 1 ? key : [key, number as number];
}

/** Whose key it is: two callers may use the same one and know nothing of each other. */
function callerOf(ctx: Pick<Context<unknown, Meta>, "caller" | "meta">): string {
  const actor = actorOf(ctx);
  if (actor.kind === "user") return `user ${actor.id}`;
  return actor.kind === "operator" ? "operator" : `address ${ctx.meta.address ?? ""}`;
}

/** JSON in which the order of an object's keys does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** A twin that holds the key's row, and has not ended in time, is at work. */
function inProgressIfLocked(error: unknown): never {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof DatabaseError ? (cause.parent as { code?: string }).code : "";
  throw code === lockNotAvailable ? inProgress() : error;
}

interface KeyRow {
  /** Empty where the key is free again. */
  fingerprint: Buffer;
  subject: string | null;
  answer: unknown;
}

/** The kept answer of an equal request, if it has one. Refuses with IDEMPOTENCY_MISMATCH. */
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
 * The id of what the request is going to make: its twins and its repetitions get the same one, so
 * that they also share what they take on the way. Refuses with IDEMPOTENCY_MISMATCH, and with
 * IDEMPOTENCY_IN_PROGRESS an attempt that was refused elsewhere.
 */
export async function subjectOf(
  query: Query,
  { id, fingerprint, attempt }: IdempotentRequest,
): Promise<string> {
  const [row] = await query<KeyRow>(
    `INSERT INTO idempotency_keys AS noted (id, fingerprint, subject) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET subject = coalesce(noted.subject, excluded.subject),
       fingerprint = CASE noted.fingerprint WHEN '' THEN excluded.fingerprint ELSE noted.fingerprint END
       WHERE noted.refused_attempt IS NULL OR noted.refused_attempt < $4::uuid
     RETURNING fingerprint, subject, answer`,
    [id, fingerprint, newId(), attempt],
  ).catch(inProgressIfLocked);
  if (row === undefined) throw inProgress();
  if (!row.fingerprint.equals(fingerprint)) throw mismatch();
  // Whoever asks finds the answer when they look again.
  if (row.answer !== null || row.subject === null) throw inProgress();
  return row.subject;
}

/** Takes its subject from a request that has not had its effect, and goes on with another one. */
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
 * Lets the key be used anew, for any input, before its sender is told a refusal. The row stays: no
 * twin of this attempt, and no earlier attempt that a node still has before it, can claim the key
 * any more, and so none has an effect after the refusal. Gives false, and changes nothing, where a
 * twin has had its effect already. Refuses with IDEMPOTENCY_IN_PROGRESS.
 */
export async function releaseKey(
  query: Query,
  { id, fingerprint, attempt }: IdempotentRequest,
  subject: string | undefined,
): Promise<boolean> {
  const freed = await query(
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
  return freed.length > 0;
}

function isFree({ fingerprint }: Pick<KeyRow, "fingerprint">): boolean {
  return fingerprint.length === 0;
}

/**
 * Takes the key in the transaction of the effect, before anything else. A twin that is at work is
 * waited for, and its answer given. Refuses with IDEMPOTENCY_MISMATCH or IDEMPOTENCY_IN_PROGRESS.
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
  const kept = await storedAnswer(query, request);
  if (kept === undefined) throw inProgress();
  return kept;
}

/** Keeps the answer in the transaction of the effect. */
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

/** Removes keys that nobody repeats any more. */
export async function pruneKeys(query: Query): Promise<void> {
  await query("DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval", [keptFor]);
}
