import { action, type ActionContract } from "./contract.ts";
import { id, ids, instant, int, oneOf, optional } from "./validation.ts";

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

/** A page of entries, newest first, that match all given filters. */
export interface AuditPage {
  limit?: number;
  /** The id of an entry. The page holds entries that are older. */
  before?: string;
  /** Users who have acted. */
  actorIds?: string[];
  /** Affected accounts, products or webhooks. */
  subjectIds?: string[];
  /** The kind of who has acted. */
  actorKind?: AuditEntry["actorKind"];
  actions?: string[];
  /** Only rejected attempts, or only successful actions. */
  rejected?: boolean;
  /** The start and the end of a period, ISO 8601. */
  since?: string;
  until?: string;
}

/** The maximum and the default number of entries of a page. */
export const maxAuditEntries = 100;
/** The maximum number of ids or actions in a filter. */
const maxFilterValues = 50;

/**
 * Declares the action that reads a service's audit trail, and its field in GraphQL.
 *
 * @param description the start of the field's description
 * @param actions the actions that the service records
 */
export function auditTrailAction(
  field: string,
  description: string,
  actions: Readonly<Record<string, string>>,
): ActionContract<AuditPage, AuditEntry[]> {
  const names = Object.keys({ ...commonAuditActions, ...actions });
  return action<AuditPage, AuditEntry[]>({
    params: {
      limit: optional(int(1, maxAuditEntries)),
      before: optional(id()),
      actorIds: optional(ids(maxFilterValues)),
      subjectIds: optional(ids(maxFilterValues)),
      actorKind: optional(oneOf(Object.keys(auditActorKinds))),
      actions: optional({ type: "array", items: oneOf(names), max: maxFilterValues }),
      rejected: optional({ type: "boolean" }),
      since: optional(instant()),
      until: optional(instant()),
    },
    access: "admin",
    graphql: {
      query: `
        """
        ${description} Newest first; entries that match all given filters. For admins. Errors:
        UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
        """
        ${field}(
          "The maximum number of entries, 1 to ${maxAuditEntries}"
          limit: Int = ${maxAuditEntries}
          "The id of an entry: only older entries are returned"
          before: ID
          """
          Only what these users have done, at most ${maxFilterValues}. Includes their successful registrations, logins,
          logouts and password resets, for which they were not signed in yet.
          """
          actorIds: [ID!]
          "Only what has affected these accounts, products or webhooks, at most ${maxFilterValues}"
          subjectIds: [ID!]
          "Only what actors of this kind have done, for example the operator, who has no id"
          actorKind: AuditActorKind
          "Only these actions, at most ${maxFilterValues}"
          actions: [AuditAction!]
          "true: only rejected attempts; false: only successful actions"
          rejected: Boolean
          "Only entries of this time or later"
          since: DateTime
          "Only entries before this time"
          until: DateTime
        ): [AuditEntry!]!
      `,
    },
  });
}
