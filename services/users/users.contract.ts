import { readFileSync } from "node:fs";
import type { JsonWebKey } from "node:crypto";
import { auditTrailAction } from "../../core/audit.ts";
import {
  connectionRules,
  pageArguments,
  searchRule,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../core/relay-connection.ts";
import { action, defineContract, event } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import {
  exactText,
  id,
  ids,
  int,
  listRules,
  oneOf,
  optional,
  text,
  type ListPage,
} from "../../core/validation.ts";

export interface User {
  id: string;
  email: string;
  username: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type: number;
  /** The time of the last change of email, username or type, or of the registration. ISO 8601, UTC. */
  updatedAt: string;
}

/** The criteria for accounts. */
export interface UserFilter {
  /** The start of a username or of an email. */
  search?: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type?: number;
}

const userSorts = [
  "OLDEST_FIRST",
  "NEWEST_FIRST",
  "USERNAME_ASC",
  "USERNAME_DESC",
] as const satisfies string[];

export type UserSort = (typeof userSorts)[number];

export interface UsersPage extends PageArguments, UserFilter {
  /** OLDEST_FIRST by default. */
  sort?: UserSort;
}

export interface NewUser {
  email: string;
  username: string;
  password: string;
  type: number;
}

export interface Login {
  email: string;
  password: string;
}

/** The result of a login or a refresh. */
export interface Token {
  /** A JWT. */
  token: string;
  /** The next refresh token of the session. Each is valid for one use. */
  refreshToken: string;
  /** The expiry of the JWT: ISO 8601, UTC. */
  expiresAt: string;
  /** The account of the session. */
  user: User;
}

export interface ChangePassword {
  password: string;
  newPassword: string;
}

export interface SetUserType {
  id: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type: number;
}

/** At least one of username and email. */
export interface UpdateProfile {
  username?: string;
  email?: string;
  /** The current password. An email requires it. */
  password?: string;
}

/** The account of a new reset token: an id or an email. */
export interface CreatePasswordReset {
  id?: string;
  email?: string;
}

/** A token that is valid for one change of the password of an account. */
export interface PasswordReset {
  token: string;
  /** ISO 8601, UTC. */
  expiresAt: string;
  /** The account. */
  user: User;
}

export interface ResetPassword {
  token: string;
  newPassword: string;
}

export interface Success {
  success: boolean;
}

/** A page of session ids, in ascending order. */
export interface EndedSessionIds {
  ids: string[];
  /** Whether more ids follow. */
  more: boolean;
}

/** The claims and the algorithm that identify tokens of this shop. */
export const tokenIdentity = { issuer: "shop", audience: "shop", algorithm: "ES256" } as const;

/** A public key that verifies tokens (RFC 7517). */
export interface PublicKey extends JsonWebKey {
  kid: string;
  alg: typeof tokenIdentity.algorithm;
  use: "sig";
}

export interface UserRegistered {
  user_id: string;
  username: string;
  type: number;
}

/** The profile after a change. */
export interface UserUpdated {
  user_id: string;
  username: string;
  /** 2 after the first change. */
  version: number;
}

/** The personal data of the user were erased, also in the earlier events of the log. */
export interface UserErased {
  user_id: string;
}

const userTypeRule = int(0, 1);
const filterRules = { search: searchRule, type: optional(userTypeRule) };
const passwordRule = exactText(8, 128);
/** Accepts passwords of any form, so that all wrong passwords get the same error. */
const anyPasswordRule = exactText(0, 128);
/** Accepts tokens of any form, so that all invalid tokens get the same error. */
const anyTokenRule = exactText(0, 1_000);

const mailable = "[^\\s@\\p{C}\\p{Default_Ignorable_Code_Point}]";

const email = {
  ...text(3, 254),
  // Requires one "@", a dot after it, and no blank or invisible characters. Does not check more.
  // The lookahead rejects long texts first, because the rest of the pattern takes quadratic time.
  pattern: new RegExp(`^(?![^]{255})${mailable}+@${mailable}+\\.${mailable}+$`, "u"),
  messages: { stringPattern: "'{field}' must be an email address." },
};

/** The weight in rate limits of an action that hashes a password, which takes about 20 ms of a core. */
const costOfHash = 100;

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
  EMAIL_TAKEN: { status: 409, meaning: "Another account has this email." },
  INVALID_CREDENTIALS: { status: 401, meaning: "Email and password do not belong together." },
  INVALID_RESET_TOKEN: {
    status: 401,
    meaning: "The reset token is unknown, expired or used; ask for a new one.",
  },
  LAST_ADMIN: { status: 409, meaning: "The shop must keep at least one admin." },
});

export const usersContract = defineContract({
  name: "users",
  auditActions: userAuditActions,
  graphql: {
    type: readFileSync(new URL("users.graphql", import.meta.url), "utf8"),
    fromId: { User: { createdAt: timeOfId } },
    nodes: { User: "resolve" },
  },
  actions: {
    get: action<{ id: string }, User>({
      params: { id: id() },
      access: { publicReads: "signed-in" },
      graphql: {
        query: `
          """
          One account. Users can read their own account, admins can read all accounts. Errors:
          UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND.
          """
          user("The id of the account" id: ID!): User!
        `,
      },
    }),
    /**
     * Returns the account of the caller; null for a call without a token and for the operator. Throws
     * UNAUTHENTICATED for a token that was rejected.
     */
    me: action<object, User | null>({
      params: {},
      access: "everyone",
      graphql: {
        query: `
          """
          The account of the caller; null without a token. For everyone. Errors: UNAUTHENTICATED (the
          token is expired or invalid).
          """
          me: User
        `,
      },
    }),
    list: action<ListPage, User[]>({
      params: listRules,
      access: { publicReads: "admin" },
      graphql: {
        query: `
          """
          The accounts, oldest first. For admins. usersConnection reads more than 1,000 accounts.
          Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
          """
          users(
            "The maximum number of accounts, 1 to 1,000"
            limit: Int = 1000
            "The number of accounts to skip, 0 or more"
            offset: Int = 0
          ): [User!]!
        `,
        rowsPerCall: 500,
      },
    }),
    /** Returns a page of the accounts. Throws BAD_USER_INPUT for invalid page arguments or cursors. */
    page: action<UsersPage, RelayConnection<User>>({
      params: { ...connectionRules, ...filterRules, sort: optional(oneOf(userSorts)) },
      access: { publicReads: "admin" },
      graphql: {
        query: `
          """
          A page of the accounts. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
          """
          usersConnection(
            ${pageArguments}
            "The start of a username or of an email, at most 200 characters, case-insensitive"
            search: String
            "Which accounts to return; all if it is not given"
            filter: UserFilter
            "The order of the accounts"
            sort: UserSort = OLDEST_FIRST
          ): UserConnection!
        `,
        countedBy: "count",
      },
    }),
    /** Counts the accounts that match a filter. */
    count: action<UserFilter, RowCount>({
      params: filterRules,
      gateway: true,
      safeToRetry: true,
      access: { publicReads: "admin" },
    }),
    /**
     * Creates an account. Everyone may register type 0. Type 1 requires a caller who is an admin in
     * the database, or a shop without an admin. Throws EMAIL_TAKEN, UNAUTHENTICATED or FORBIDDEN.
     */
    register: action<NewUser, User>({
      params: { email, username: text(1, 100), password: passwordRule, type: userTypeRule },
      access: "everyone",
      graphql: {
        mutation: `
          """
          Creates an account. Everyone can create an account of type 0. Errors: BAD_USER_INPUT,
          EMAIL_TAKEN, TOO_MANY_REQUESTS; for type 1 also UNAUTHENTICATED, FORBIDDEN.
          """
          registerUser("The account to create" input: NewUser!): User!
        `,
        cost: costOfHash,
      },
    }),
    login: action<Login, Token>({
      params: { email: text(0, 254), password: anyPasswordRule },
      access: "everyone",
      graphql: {
        mutation: `
          """
          Opens a session and returns its tokens. A wrong password and an unknown email return the
          same error. An Idempotency-Key has no effect: each call opens a session. Errors:
          BAD_USER_INPUT, INVALID_CREDENTIALS, TOO_MANY_REQUESTS.
          """
          login("The credentials" input: Login!): Token!
        `,
        cost: costOfHash,
      },
    }),
    /** Returns new tokens for a refresh token. Reuse within a grace period returns the same successor. */
    refreshToken: action<{ token: string }, Token>({
      params: { token: anyTokenRule },
      access: "everyone",
      safeToRetry: true,
      graphql: {
        mutation: `
          """
          Returns the next tokens of a session for its refresh token. A used refresh token returns
          the same next refresh token for 10 seconds; after that, its use ends the session. Errors:
          BAD_USER_INPUT, UNAUTHENTICATED (the session has ended), TOO_MANY_REQUESTS.
          """
          refreshToken("The refresh token, at most 1,000 characters" token: String!): Token!
        `,
      },
    }),
    /** Ends the session of a refresh token. */
    logout: action<{ token: string }, Success>({
      params: { token: anyTokenRule },
      access: "everyone",
      safeToRetry: true,
      graphql: {
        mutation: `
          """
          Ends the session of a refresh token. Succeeds without effect for an unknown or outdated
          token. Errors: BAD_USER_INPUT.
          """
          logout("A refresh token of the session, at most 1,000 characters" token: String!): Success!
        `,
      },
    }),
    /** Ends all sessions of the caller. */
    logoutEverywhere: action<object, Success>({
      params: {},
      access: "signed-in",
      graphql: {
        mutation: `
          "Ends all sessions of the caller. For signed-in users. Errors: UNAUTHENTICATED."
          logoutEverywhere: Success!
        `,
      },
    }),
    /** Changes the password of the caller, and ends all sessions of the caller. */
    changePassword: action<ChangePassword, Success>({
      params: { password: anyPasswordRule, newPassword: passwordRule },
      access: "signed-in",
      graphql: {
        mutation: `
          """
          Changes the password of the caller, and ends all sessions of the caller. For signed-in
          users. Errors: UNAUTHENTICATED, BAD_USER_INPUT, INVALID_CREDENTIALS, TOO_MANY_REQUESTS.
          """
          changePassword("The old and the new password" input: ChangePassword!): Success!
        `,
        cost: costOfHash,
      },
    }),
    /**
     * Changes the username or the email of the caller. A new email requires the password, and ends
     * all other sessions of the caller. Throws EMAIL_TAKEN, INVALID_CREDENTIALS or
     * TOO_MANY_REQUESTS.
     */
    updateProfile: action<UpdateProfile, User>({
      params: {
        username: optional(text(1, 100)),
        email: optional(email),
        password: optional(anyPasswordRule),
      },
      access: "signed-in",
      graphql: {
        mutation: `
          """
          Changes the username or the email of the caller. A new email requires the password, and
          ends all other sessions of the caller. For signed-in users. Errors: UNAUTHENTICATED,
          BAD_USER_INPUT, EMAIL_TAKEN, INVALID_CREDENTIALS, TOO_MANY_REQUESTS.
          """
          updateProfile("The fields to change" input: UpdateProfile!): User!
        `,
        cost: costOfHash,
      },
    }),
    /**
     * Returns a one-time token with which the user can set a new password. Invalidates earlier
     * tokens of the account. Admins can create tokens for customers only; services and the REPL for
     * all accounts. Throws USER_NOT_FOUND or FORBIDDEN.
     */
    createPasswordReset: action<CreatePasswordReset, PasswordReset>({
      params: { id: optional(id()), email: optional(text(0, 254)) },
      access: "admin",
      graphql: {
        mutation: `
          """
          Returns a token with which a customer can set a new password, once and within an hour. Hand
          it to the customer only. Invalidates earlier tokens of the account. For admins; FORBIDDEN
          for the accounts of admins. An Idempotency-Key has no effect: each call returns another
          token. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND.
          """
          createPasswordReset("The account" input: CreatePasswordReset!): PasswordReset!
        `,
      },
    }),
    /** Sets a new password with a reset token, and ends all sessions of the account. */
    resetPassword: action<ResetPassword, Success>({
      params: { token: anyTokenRule, newPassword: passwordRule },
      access: "everyone",
      graphql: {
        mutation: `
          """
          Sets a new password with a reset token, and ends all sessions of the account. For everyone
          who has a token. Errors: BAD_USER_INPUT, INVALID_RESET_TOKEN, TOO_MANY_REQUESTS.
          """
          resetPassword("The token and the new password" input: ResetPassword!): Success!
        `,
        cost: costOfHash,
      },
    }),
    /**
     * Erases the personal data of another user in all services. The orders stay with the id of the
     * user. Throws USER_NOT_FOUND, FORBIDDEN, UNAUTHENTICATED or LAST_ADMIN.
     */
    erase: action<{ id: string }, Success>({
      params: { id: id() },
      access: "admin",
      graphql: {
        mutation: `
          """
          Erases the personal data of another user: account, sessions, names and addresses. This
          cannot be undone. The orders of the user stay without email and username. For admins.
          Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND, LAST_ADMIN.
          """
          eraseUser("The id of the user. FORBIDDEN for the caller's own id." id: ID!): Success!
        `,
      },
    }),
    /** Changes the type of another user, and ends all sessions of that user. */
    setType: action<SetUserType, User>({
      params: { id: id(), type: userTypeRule },
      access: "admin",
      graphql: {
        mutation: `
          """
          Changes the type of another user, and ends all sessions of that user. For admins. Errors:
          UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND.
          """
          setUserType("The user and the new type" input: SetUserType!): User!
        `,
      },
    }),
    /**
     * Returns users in the order of the ids; null for an id that is unknown, or that the caller may
     * not read.
     */
    resolve: action<{ ids: string[] }, (User | null)[]>({
      params: { ids: ids(500) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: 500 } },
    }),
    /** Returns the public keys that verify this shop's tokens, as a JSON Web Key Set. */
    jwks: action<object, { keys: PublicKey[] }>({
      params: {},
      access: "everyone",
      gateway: true,
      safeToRetry: true,
    }),
    /**
     * Replaces the signing key. Earlier keys stay published until their last token has expired.
     * `revoke` deletes them at once, for example after a key has leaked.
     */
    rotateKeys: action<{ revoke?: boolean }, { kid: string }>({
      params: { revoke: optional({ type: "boolean" }) },
      access: "admin",
    }),
    /**
     * Returns ended sessions that may have unexpired access tokens, with ids after `after`. A page
     * is as large as an answer over NATS can be.
     */
    endedSessions: action<{ after?: string }, EndedSessionIds>({
      params: { after: optional(id()) },
      access: "everyone",
      gateway: true,
      safeToRetry: true,
    }),
    /** Returns registrations, logins, logouts, changes and rejected attempts, newest first. */
    auditTrail: auditTrailAction(
      "usersAudit",
      "The audit trail of accounts: registrations, logins, logouts, changes and rejected attempts.",
    ),
  },
  events: {
    "user.registered": event<UserRegistered>(1, {
      user_id: id(),
      username: exactText(1, 100),
      type: userTypeRule,
    }),
    "user.updated": event<UserUpdated>(1, {
      user_id: id(),
      username: exactText(1, 100),
      version: int(1),
    }),
    "user.erased": event<UserErased>(1, { user_id: id() }),
  },
});
