import { action, type ActionContract } from "./contract.ts";
import { id, int, optional } from "./validation.ts";

/** Audit actions that every service with an audit trail can record, with their meanings. */
export const commonAuditActions = {
  ACCESS_REFUSED: "A user without permission tried an action of admins.",
  DEAD_LETTER_DISCARDED: "An operator deleted a dead letter, whose event is never applied.",
} as const;

/** The kinds of actors of an audit entry, with their meanings. */
export const auditActorKinds = {
  anonymous: "A client without a valid access token",
  user: "A signed-in user",
  operator: "The REPL, or a service",
} as const;

/** One entry of an audit trail: an actor's action on a subject, and its outcome. */
export interface AuditEntry {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  action: string;
  /** `OK`, or the code of the error. */
  outcome: string;
  actorKind: keyof typeof auditActorKinds;
  /** The id of the signed-in user, or null. */
  actorId: string | null;
  /** The client's IP address; null for the operator. */
  address: string | null;
  /** The id of the account or the product. */
  subjectId: string | null;
  /** JSON. */
  detail: string | null;
}

/** A page of entries, newest first. */
export interface AuditPage {
  limit?: number;
  /** The id of an entry. The page holds entries that are older. */
  before?: string;
}

/** The maximum and the default number of entries of a page. */
export const maxAuditEntries = 100;

/**
 * Declares the action that reads a service's audit trail, and its field in GraphQL.
 *
 * @param description the start of the field's description
 */
export function auditTrailAction(
  field: string,
  description: string,
): ActionContract<AuditPage, AuditEntry[]> {
  return action<AuditPage, AuditEntry[]>({
    params: { limit: optional(int(1, maxAuditEntries)), before: optional(id()) },
    access: "admin",
    graphql: {
      query: `
        """
        ${description} Newest first. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
        """
        ${field}(
          "The maximum number of entries, 1 to ${maxAuditEntries}"
          limit: Int = ${maxAuditEntries}
          "The id of an entry: only older entries are returned"
          before: ID
        ): [AuditEntry!]!
      `,
    },
  });
}
