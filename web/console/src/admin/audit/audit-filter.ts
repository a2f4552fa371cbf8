import { instantOf } from "../shared/filter-faults.ts";
import type { AuditAction } from "../../../../../clients/typescript/src/generated/schema.ts";
import type { UsersAuditRowsQueryVariables } from "./audit.graphql.ts";

export const trails = ["users", "products", "webhooks"] as const;
export type Trail = (typeof trails)[number];

/** The filters of the audit trail, as they stand in the address. */
export const auditFilterNames = [
  "trail",
  "action",
  "outcome",
  "kind",
  "actor",
  "subject",
  "from",
  "before",
] as const;
export type AuditFilters = Record<(typeof auditFilterNames)[number], string>;

const commonActions: readonly AuditAction[] = ["ACCESS_REFUSED", "DEAD_LETTER_DISCARDED"];

/** The actions that the entries of a trail can have. */
export const actionsOfTrail: Record<Trail, readonly AuditAction[]> = {
  users: [
    ...commonActions,
    "REGISTERED",
    "LOGGED_IN",
    "LOGIN_REFUSED",
    "LOGIN_THROTTLED",
    "REFRESH_REUSED",
    "LOGGED_OUT",
    "PASSWORD_CHANGED",
    "TYPE_CHANGED",
    "RIGHTS_CHANGED",
    "PROFILE_CHANGED",
    "RESET_CREATED",
    "RESET_REFUSED",
    "PASSWORD_RESET",
    "ERASED",
    "KEYS_ROTATED",
  ],
  products: [
    ...commonActions,
    "PRODUCT_CREATED",
    "PRODUCT_UPDATED",
    "STOCK_ADDED",
    "STOCK_SUBTRACTED",
    "PRODUCT_DELETED",
    "STOCK_SET",
    "STOCK_COUNTED",
  ],
  webhooks: [
    ...commonActions,
    "WEBHOOK_CREATED",
    "WEBHOOK_UPDATED",
    "WEBHOOK_DELETED",
    "WEBHOOK_SECRET_ROTATED",
    "WEBHOOK_REDRIVEN",
    "WEBHOOK_DISABLED",
  ],
};

/** The filter of the query. */
export type AuditFilter = Omit<UsersAuditRowsQueryVariables, "after">;

/**
 * Returns the filter of the query. It is only right for a period without faults.
 *
 * @param actorIds the users that the filters name; undefined if they name none
 * @param subjectIds the users, products or webhooks that the filters name
 */
export function auditFilterOf(
  trail: Trail,
  { action, outcome, kind, from, before }: AuditFilters,
  actorIds: readonly string[] | undefined,
  subjectIds: readonly string[] | undefined,
): AuditFilter {
  const known = actionsOfTrail[trail].find((one) => one === action);
  const isRejected = outcome === "rejected";
  return {
    ...(actorIds && { actorIds: [...actorIds] }),
    ...(subjectIds && { subjectIds: [...subjectIds] }),
    ...(known && { actions: [known] }),
    ...(kind === "operator" && { actorKind: kind }),
    ...((isRejected || outcome === "ok") && { rejected: isRejected }),
    since: instantOf(from),
    until: instantOf(before),
  };
}
