import { readFileSync } from "node:fs";
import { auditTrailAction } from "../../core/audit.ts";
import { defineContract } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import { accountChangeActions, userEvents } from "./accounts/account-changes.contract.ts";
import { accountActions } from "./accounts/accounts.contract.ts";
import { passwordActions } from "./passwords/passwords.contract.ts";
import { maxSessionsPerUser, sessionActions } from "./sessions/sessions.contract.ts";

export * from "./accounts/accounts.contract.ts";
export * from "./accounts/account-changes.contract.ts";
export * from "./sessions/sessions.contract.ts";
export * from "./passwords/passwords.contract.ts";

/** The actions in the audit trail of users, with their meanings: values of the enum `AuditAction`. */
const userAuditActions = {
  REGISTERED: "An account was created.",
  LOGGED_IN: "A session was opened.",
  LOGIN_REFUSED: "The password was wrong, or no account has the email.",
  LOGIN_THROTTLED: "After too many wrong passwords, further logins are rejected for a time.",
  REFRESH_REUSED: "A used refresh token was sent again, which ended its session.",
  LOGGED_OUT: "A user ended one session or all sessions.",
  PASSWORD_CHANGED: "A user changed the password, which ended all sessions.",
  TYPE_CHANGED: "An admin changed the type of a user, which ended the user's sessions.",
  RIGHTS_CHANGED:
    "An admin or the operator changed the rights of an admin, which ended the admin's sessions.",
  PROFILE_CHANGED: "A user changed the username or the email.",
  RESET_CREATED: "An admin or the operator created a token for a password reset.",
  RESET_REFUSED: "A reset token was unknown, expired or used.",
  PASSWORD_RESET: "A reset token set a new password, which ended all sessions.",
  ERASED: "The personal data of a user were removed.",
  KEYS_ROTATED: "A new key signs access tokens.",
} as const;

export type UserAuditAction = keyof typeof userAuditActions;

/** Errors that only this service throws. */
export const userErrors = defineErrors({
  USER_NOT_FOUND: { status: 404, meaning: "There is no such user." },
  SESSION_NOT_FOUND: { status: 404, meaning: "You have no such open session." },
  EMAIL_TAKEN: { status: 409, meaning: "Another account has this email." },
  INVALID_CREDENTIALS: { status: 401, meaning: "Email and password do not belong together." },
  INVALID_RESET_TOKEN: {
    status: 401,
    meaning: "The reset token is unknown, expired or used; ask for a new one.",
  },
  LAST_ADMIN: {
    status: 409,
    meaning: "The shop must keep at least one admin, and one who may operate it.",
  },
});

export const usersContract = defineContract({
  name: "users",
  auditActions: userAuditActions,
  hasNoConsumers: true,
  graphql: {
    type: readFileSync(new URL("users.graphql", import.meta.url), "utf8"),
    listMaxima: { "Query.sessions": maxSessionsPerUser },
    fromId: { User: { createdAt: timeOfId } },
    nodes: { User: "resolve" },
  },
  actions: {
    ...accountActions,
    ...accountChangeActions,
    ...sessionActions,
    ...passwordActions,
    /** Returns registrations, logins, logouts, changes and rejected attempts, newest first. */
    auditTrail: auditTrailAction(
      "usersAudit",
      "The audit trail of accounts: registrations, logins, logouts, changes and rejected attempts.",
      userAuditActions,
    ),
  },
  events: userEvents,
});
