import {
  auditDetailTexts,
  auditTexts,
  rejectionTexts,
  type AuditKind,
} from "../../texts/admin/audit.ts";
import { adminUserTexts } from "../../texts/admin/users.ts";
import { formatNumber, formatPrice } from "../../ui/format.ts";
import { userTypes } from "../../session/user-types.ts";
import type { AuditFactsFragment } from "./audit.graphql.ts";

/** What a client does without a token and yet proves to be the affected user. */
const provenActions: ReadonlySet<string> = new Set([
  "LOGGED_IN",
  "LOGGED_OUT",
  "REGISTERED",
  "PASSWORD_RESET",
]);

/**
 * Returns the id of the user who has acted: for a sign-in, the affected one, because the request had
 * no token yet. Null for a stranger and for the operator.
 */
export function personOf(entry: AuditFactsFragment): string | null {
  const { actorId, actorKind, action, outcome, subjectId } = entry;
  const isProven = actorKind === "anonymous" && outcome === "OK" && provenActions.has(action);
  return isProven ? subjectId : actorId;
}

/**
 * Returns what was done. The shop counts a wrong current password of a signed-in user as a login, and
 * the page must not say that somebody could not sign in.
 */
export function kindOf({ action, actorKind }: AuditFactsFragment): AuditKind {
  if (actorKind !== "user") return action;
  return action === "LOGIN_REFUSED" || action === "LOGIN_THROTTLED" ? `OWN_${action}` : action;
}

/** Returns why an attempt was rejected. */
export function rejectionText(outcome: string): string {
  return rejectionTexts[outcome] ?? auditTexts.rejectedWith(outcome);
}

/** Returns the details of an entry with their names in words. */
export function detailsOf({ action, detail }: AuditFactsFragment): [string, string][] {
  if (detail === null) return [];
  const fields = Object.entries(JSON.parse(detail) as Record<string, unknown>);
  return fields.map(([name, value]) => {
    if (typeof value === "number" && (action === "TYPE_CHANGED" || action === "REGISTERED")) {
      const title = name === "type" ? adminUserTexts.role : (auditDetailTexts[name] ?? name);
      const isAdmin = value === userTypes.admin;
      return [title, isAdmin ? adminUserTexts.admin : adminUserTexts.customer];
    }
    return [auditDetailTexts[name] ?? name, valueText(name, value)];
  });
}

function valueText(name: string, value: unknown): string {
  if (typeof value === "boolean") return value ? auditTexts.yes : auditTexts.no;
  if (value === null) return auditTexts.none;
  if (typeof value === "number") return name === "price" ? formatPrice(value) : formatNumber(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
