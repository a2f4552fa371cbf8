import { action, type ActionContract } from "./contract.ts";
import { id, int, optional } from "./validation.ts";

/** One entry of an audit trail: who did what to whom, or was refused to. */
export interface AuditEntry {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  action: string;
  /** `OK`, or the code of the error. */
  outcome: string;
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
