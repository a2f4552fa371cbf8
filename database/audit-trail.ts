import type { Context, ServiceBroker } from "moleculer";
import { newId } from "../core/ids/ids.ts";
import {
  actorOf,
  senderOf,
  userIdOf,
  type Access,
  type Meta,
  type Sender,
} from "../core/access.ts";
import type { commonAuditActions } from "../core/audit.ts";
import { addressGroup } from "../core/network/caller-address.ts";
import type { GraphqlField } from "../core/graphql/graphql-options.ts";
import { commonErrors, hasCode, type ErrorDefinition } from "../core/errors.ts";
import { isId } from "../core/validation.ts";
import type { Query } from "./statements/prepared-statements.ts";

/** A new entry. It must not contain a password, a token or a whole email address. */
export interface NewAuditEntry<Action extends string = string> {
  action: Action;
  /** The error of a rejected attempt. */
  error?: ErrorDefinition;
  sender: Sender;
  /** The id of the affected account or product. */
  subjectId?: string | null;
  detail?: Record<string, string | number | boolean | null>;
}

/** The columns of a new entry, in the order of `auditRow`. */
export const auditColumns =
  "id, action, outcome, actor_kind, actor_id, address, subject_id, detail";

/**
 * Writes an entry. `query` must belong to the transaction of the effect; for a rejected call, which
 * writes nothing else, to the database. `Action` lists the audit actions of the service,
 * which its contract declares as `auditActions`.
 */
export async function recordAudit<Action extends string = never>(
  query: Query,
  entry: NewAuditEntry<NoInfer<Action>>,
): Promise<void> {
  await query(
    `INSERT INTO audit_trail (${auditColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    auditRow<Action>(entry),
  );
}

/** Writes the entries of a batch, which have the same sender and the outcome OK, in one statement. */
export async function recordAudits<Action extends string = never>(
  query: Query,
  { actor, address }: Sender,
  entries: readonly Pick<NewAuditEntry<NoInfer<Action>>, "action" | "subjectId" | "detail">[],
): Promise<void> {
  await query(
    `INSERT INTO audit_trail (${auditColumns})
     SELECT id, action, 'OK', $5, $6, $7, subject_id, detail
     FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::jsonb[])
       AS entry (id, action, subject_id, detail)`,
    [
      entries.map(() => newId()),
      entries.map(({ action }) => action),
      entries.map(({ subjectId }) => subjectId ?? null),
      entries.map(({ detail }) => (detail === undefined ? null : JSON.stringify(detail))),
      actor.kind,
      userIdOf(actor),
      address,
    ],
  );
}

/** Returns the values of an entry, for a statement that writes the entry and the effect. */
export function auditRow<Action extends string = never>(
  entry: NewAuditEntry<NoInfer<Action>>,
): unknown[] {
  const { action, error, subjectId, detail } = entry;
  const { actor, address } = entry.sender;
  return [
    newId(),
    action,
    error?.code ?? "OK",
    actor.kind,
    userIdOf(actor),
    address,
    subjectId ?? null,
    detail === undefined ? null : JSON.stringify(detail),
  ];
}

/**
 * Removes the addresses of erased users from the entries, and the masked email of one of them. It is
 * the only change of entries that the table's trigger allows.
 */
export async function eraseFromAuditTrail(
  query: Query,
  userIds: string[],
  maskedEmail?: string,
): Promise<void> {
  await query("SELECT erase_from_audit_trail($1::uuid[], $2::text)", [
    userIds,
    maskedEmail ?? null,
  ]);
}

/** Longer than any request and the usual life of an access token. */
const lateEntries = "1 day";

/**
 * Returns a periodic task that erases late entries: a request that was in progress during the erasure
 * of its user can write an entry after it.
 */
export function auditErasure({ query }: { query: Query }) {
  return {
    everyMs: pruneEveryMs,
    async run(): Promise<void> {
      await query(
        `SELECT erase_from_audit_trail(array_agg(id), NULL) FROM erased_users
         WHERE erased_at > now() - $1::interval`,
        [lateEntries],
      );
    },
  };
}

const pruneEveryMs = 60_000;
/** The maximum number of entries that one transaction removes. */
const pruneBatch = 10_000;

/** The part of a database's `transaction` that pruning needs. */
type Transaction = <Result>(
  useCase: (work: { query: Query }) => Promise<Result>,
) => Promise<Result>;

/** Returns a periodic task that removes entries older than `keepMs`. */
export function auditPruning({ transaction }: { transaction: Transaction }, keepMs: number) {
  const pruneOnce = () =>
    transaction(async ({ query }) => {
      // A trigger of the table only allows DELETE of entries that are older than this setting.
      const keptFor = `${keepMs} milliseconds`;
      await query("SELECT set_config('shop.audit_kept_for', $1, true)", [keptFor]);
      return query(
        // PostgreSQL looks up the ids of an array. With IN, it might read the whole table.
        `DELETE FROM audit_trail WHERE id = ANY (ARRAY(
           SELECT id FROM audit_trail WHERE at < now() - $1::interval
           ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING id`,
        [keptFor, pruneBatch],
      );
    });
  return {
    everyMs: pruneEveryMs,
    async run(): Promise<void> {
      while ((await pruneOnce()).length === pruneBatch);
    },
  };
}

type DeniedCall = Pick<Context<unknown, Meta>, "caller" | "meta" | "params"> & {
  action?: { name?: string; access?: Access; graphql?: GraphqlField } | null;
  broker: Pick<ServiceBroker, "logger">;
};

const minuteMs = 60_000;
/** The maximum number of pairs of caller and action per minute. More are a flood. */
const maxRecordedPerMinute = 1_000;

/**
 * Records failed attempts to call admin actions. Each replica records a caller and an action at most
 * once a minute, so that repeated attempts do not fill the table.
 */
export class FailedAttemptAudit {
  readonly #query: Query;
  /** The times of the latest entries by caller and action, by the monotonic clock, oldest first. */
  readonly #recordedAt = new Map<string, number>();

  constructor(query: Query) {
    this.#query = query;
  }

  /**
   * Records an error of the access rules, if the action is for admins. A query is recorded only for a
   * signed-in user: without a token, anybody can send queries to learn which ones there are.
   */
  async onAccessDenied(ctx: DeniedCall, error: unknown): Promise<void> {
    const { access, graphql } = ctx.action ?? {};
    if (access !== "admin" && access !== "operations") return;
    if (graphql?.query !== undefined && actorOf(ctx).kind !== "user") return;
    await this.#record(ctx, error);
  }

  /** Runs the work of an action, and records the attempt if the work denies access. */
  async watch<Result>(ctx: DeniedCall, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      await this.#record(ctx, error);
      throw error;
    }
  }

  async #record(ctx: DeniedCall, error: unknown): Promise<void> {
    const { FORBIDDEN, UNAUTHENTICATED } = commonErrors;
    const denial = [FORBIDDEN, UNAUTHENTICATED].find((definition) => hasCode(error, definition));
    if (denial === undefined) return;
    const sender = senderOf(ctx);
    const action = ctx.action?.name ?? "";
    const callerKey = userIdOf(sender.actor) ?? addressGroup(sender.address ?? "");
    if (!this.#isFirst(`${callerKey} ${action}`)) return;
    // Access is checked before the parameters are validated.
    const { id } = (ctx.params ?? {}) as { id?: unknown };
    const subjectId = isId(id) ? id : null;
    try {
      await recordAudit<keyof typeof commonAuditActions>(this.#query, {
        action: "ACCESS_REFUSED",
        error: denial,
        sender,
        subjectId,
        detail: { action },
      });
    } catch (fault) {
      // The call is rejected anyway.
      ctx.broker.logger.error(`The failed attempt to call ${action} could not be recorded.`, fault);
    }
  }

  #isFirst(key: string): boolean {
    const now = performance.now();
    for (const [recorded, at] of this.#recordedAt) {
      if (now - at < minuteMs) break;
      this.#recordedAt.delete(recorded);
    }
    if (this.#recordedAt.has(key) || this.#recordedAt.size >= maxRecordedPerMinute) return false;
    this.#recordedAt.set(key, now);
    return true;
  }
}
