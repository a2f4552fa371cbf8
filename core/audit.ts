import { action, type ActionContract } from "./contract.ts";
import type { ErrorCode } from "./errors.ts";
import { id, int, optional } from "./validation.ts";

/** What is worth an entry of an audit trail. */
export type AuditedAction =
  // Of users.
  | "REGISTERED"
  | "LOGGED_IN"
  | "LOGIN_REFUSED"
  /** A wrong password was one too many: the first of the tries that are turned away. */
  | "LOGIN_THROTTLED"
  | "REFRESH_REUSED"
  | "LOGGED_OUT"
  | "PASSWORD_CHANGED"
  | "TYPE_CHANGED"
  | "KEYS_ROTATED"
  // Of products.
  | "PRODUCT_CREATED"
  | "STOCK_ADDED"
  | "STOCK_SUBTRACTED"
  | "PRODUCT_DELETED"
  // Of both: somebody wanted what is for admins only; `detail` names the action.
  | "ACCESS_REFUSED";

/** One entry of an audit trail: who did what to whom, or was refused to. */
export interface AuditEntry {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  action: AuditedAction;
  outcome: "OK" | ErrorCode;
  actorKind: "anonymous" | "user" | "operator";
  /** The signed-in user, where there was one. */
  actorId: string | null;
  /** Where the request came from; null for the operator's. */
  address: string | null;
  /** Whose account, or which product. */
  subjectId: string | null;
  /** JSON. */
  detail: string | null;
}

/** A page of entries, newest first. */
export interface AuditPage {
  limit?: number;
  /** The id of an entry: those that are older than it. */
  before?: string;
}

/** Entries that one answer has at most, and by default. */
export const maxAuditEntries = 100;

/** The action that reads a service's audit trail, and its field in GraphQL. */
export function auditTrailAction(field: string): ActionContract<AuditPage, AuditEntry[]> {
  return action<AuditPage, AuditEntry[]>({
    params: { limit: optional(int(1, maxAuditEntries)), before: optional(id()) },
    access: "admin",
    graphql: { query: `${field}(limit: Int = ${maxAuditEntries}, before: ID): [AuditEntry!]!` },
  });
}
