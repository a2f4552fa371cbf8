import type { Context, ServiceBroker } from "moleculer";
import { newId } from "../core/ids.ts";
import { senderOf, userIdOf, type Access, type Meta, type Sender } from "../core/access.ts";
import { maxAuditEntries, type AuditEntry, type AuditPage } from "../core/audit.ts";
import { addressGroup } from "../core/caller-address.ts";
import type { GraphqlField } from "../core/contract.ts";
import { commonErrors, hasCode } from "../core/errors.ts";
import { isId } from "../core/validation.ts";
import type { Query } from "./prepared-statements.ts";

/** An entry as it is written down: no password, no token and no whole email in it. */
export interface NewAuditEntry<Action extends string = string> {
  action: Action;
  /** OK by default. */
  outcome?: string;
  sender: Sender;
  /** Whose account, or which product. */
  subjectId?: string | null;
  detail?: Record<string, string | number | boolean | null>;
}

/**
 * Writes an entry. `query` is the one of the transaction that has the effect. For a rejected call,
 * which writes nothing else, it is the one of the database. `Action` names the service's actions.
 */
export async function recordAudit<Action extends string = never>(
  query: Query,
  entry: NewAuditEntry<NoInfer<Action>>,
): Promise<void> {
  await query(
    `INSERT INTO audit_trail (id, action, outcome, actor_kind, actor_id, address, subject_id, detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    auditRow<Action>(entry),
  );
}

/** The values of an entry, for a statement that writes it together with the effect. */
export function auditRow<Action extends string = never>(
  entry: NewAuditEntry<NoInfer<Action>>,
): unknown[] {
  const { action, outcome, subjectId, detail } = entry;
  const { actor, address } = entry.sender;
  return [
    newId(),
    action,
    outcome ?? "OK",
    actor.kind,
    userIdOf(actor),
    address,
    subjectId ?? null,
    detail === undefined ? null : JSON.stringify(detail),
  ];
}

/** The entries of a page, newest first. */
export async function readAuditTrail(
  query: Query,
  { limit = maxAuditEntries, before }: AuditPage,
): Promise<AuditEntry[]> {
  const rows = await query<Omit<AuditEntry, "at"> & { at: Date }>(
    `SELECT id, at, action, outcome, actor_kind AS "actorKind", actor_id AS "actorId", address,
            subject_id AS "subjectId", detail::text AS detail
     FROM audit_trail WHERE $2::uuid IS NULL OR id < $2 ORDER BY id DESC LIMIT $1`,
    [limit, before ?? null],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

const pruneEveryMs = 60_000;
/** Entries removed in one transaction. */
const pruneBatch = 10_000;

/** The transactions of a database, as far as they are needed here. */
type Transaction = <Result>(
  useCase: (work: { query: Query }) => Promise<Result>,
) => Promise<Result>;

/** Periodic work that removes the entries that are older than `keepMs`. */
export function auditPruning({ transaction }: { transaction: Transaction }, keepMs: number) {
  const pruneOnce = () =>
    transaction(async ({ query }) => {
      // The table lets nothing go that is not as old as this says.
      const keptFor = `${keepMs} milliseconds`;
      await query("SELECT set_config('shop.audit_kept_for', $1, true)", [keptFor]);
      return query(
        `DELETE FROM audit_trail WHERE id IN (
           SELECT id FROM audit_trail WHERE at < now() - $1::interval
           ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
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

type RefusedCall = Pick<Context<unknown, Meta>, "caller" | "meta" | "params"> & {
  action?: { name?: string; access?: Access; graphql?: GraphqlField } | null;
  broker: Pick<ServiceBroker, "logger">;
};

const minuteMs = 60_000;
/** Senders and actions that are noted in a minute: what comes from more of them is a flood. */
const maxNotedPerMinute = 1_000;

/**
 * Notes who was refused what is for admins only. However often somebody tries, they fill no table:
 * each replica notes the same sender and action once a minute.
 */
export class FailedAttemptAudit {
  readonly #query: Query;
  /** When whom, in the order of these times. */
  readonly #notedAt = new Map<string, number>();

  constructor(query: Query) {
    this.#query = query;
  }

  /** Notes a refusal of the access rules, if it is about an action of admins that is no read. */
  async onRefused(ctx: RefusedCall, refusal: unknown): Promise<void> {
    if (ctx.action?.access !== "admin" || ctx.action.graphql?.query !== undefined) return;
    await this.#note(ctx, refusal);
  }

  /** Does what an action does, and notes if it turns out that its sender may not. */
  async watch<Result>(ctx: RefusedCall, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (refusal) {
      await this.#note(ctx, refusal);
      throw refusal;
    }
  }

  async #note(ctx: RefusedCall, refusal: unknown): Promise<void> {
    const { FORBIDDEN, UNAUTHENTICATED } = commonErrors;
    const denial = [FORBIDDEN, UNAUTHENTICATED].find((error) => hasCode(refusal, error));
    if (denial === undefined) return;
    const sender = senderOf(ctx);
    const action = ctx.action?.name ?? "";
    const who = userIdOf(sender.actor) ?? addressGroup(sender.address ?? "");
    if (!this.#isFirst(`${who} ${action}`)) return;
    // Not validated yet: whoever may not call at all does not learn what is wrong with it.
    const { id } = (ctx.params ?? {}) as { id?: unknown };
    const subjectId = isId(id) ? id : null;
    try {
      await recordAudit<"ACCESS_REFUSED">(this.#query, {
        action: "ACCESS_REFUSED",
        outcome: denial.code,
        sender,
        subjectId,
        detail: { action },
      });
    } catch (fault) {
      // The sender is refused all the same.
      ctx.broker.logger.error(`the refusal of ${action} could not be noted`, fault);
    }
  }

  #isFirst(key: string): boolean {
    const now = Date.now();
    for (const [noted, at] of this.#notedAt) {
      if (now - at < minuteMs) break;
      this.#notedAt.delete(noted);
    }
    if (this.#notedAt.has(key) || this.#notedAt.size >= maxNotedPerMinute) return false;
    this.#notedAt.set(key, now);
    return true;
  }
}
