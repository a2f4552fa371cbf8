import { readFileSync } from "node:fs";
import type { JsonWebKey } from "node:crypto";
import { auditTrailAction } from "../../core/audit.ts";
import {
  connectionRules,
  searchRule,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../core/relay-connection.ts";
import { action, defineContract, event } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
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
}

/** What accounts are looked for. */
export interface UserFilter {
  /** The beginning of a username or of an email. */
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

/** What signing in and refreshing give. */
export interface Token {
  /** A JWT. */
  token: string;
  /** The next one of its session: each is to be used once. */
  refreshToken: string;
  /** ISO 8601, UTC; of the JWT. */
  expiresAt: string;
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

export interface Success {
  success: boolean;
}

/** Ids of sessions, in their order. */
export interface EndedSessionIds {
  ids: string[];
  /** There are others behind the last of these. */
  more: boolean;
}

/** What identifies tokens of this shop. */
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

const userTypeRule = int(0, 1);
const filterRules = { search: searchRule, type: optional(userTypeRule) };
const passwordRule = exactText(8, 128);
/** No rule says what a password must look like here: any wrong one is answered alike. */
const anyPasswordRule = exactText(0, 128);
/** Nor what a token must: any wrong one is answered alike. */
const anyTokenRule = exactText(0, 1_000);

const mailable = "[^\\s@\\p{C}\\p{Default_Ignorable_Code_Point}]";

const email = {
  ...text(3, 254),
  // One "@", a dot behind it, nothing blank or invisible: what can be mailed, mailing finds out.
  // What is too long is not even looked at: the rest takes quadratic time.
  pattern: new RegExp(`^(?![^]{255})${mailable}+@${mailable}+\\.${mailable}+$`, "u"),
  messages: { stringPattern: "'{field}' must be an email address." },
};

/** In throttling: a hash takes some 20 ms of a core. */
const costOfHash = 100;

/** What the audit trail of users records. */
export type UserAuditAction =
  | "REGISTERED"
  | "LOGGED_IN"
  | "LOGIN_REFUSED"
  /** The first sign-in that the throttle rejects after too many wrong passwords. */
  | "LOGIN_THROTTLED"
  | "REFRESH_REUSED"
  | "LOGGED_OUT"
  | "PASSWORD_CHANGED"
  | "TYPE_CHANGED"
  | "KEYS_ROTATED";

/** Errors that only this service throws. */
export const userErrors = defineErrors({
  USER_NOT_FOUND: { status: 404, meaning: "There is no such user." },
  EMAIL_TAKEN: { status: 409, meaning: "Another account has this email." },
  INVALID_CREDENTIALS: { status: 401, meaning: "Email and password do not belong together." },
});

export const usersContract = defineContract({
  name: "users",
  graphql: { type: readFileSync(new URL("users.graphql", import.meta.url), "utf8") },
  actions: {
    get: action<{ id: string }, User>({
      params: { id: id() },
      access: { publicReads: "signed-in" },
      graphql: { query: "user(id: ID!): User!" },
    }),
    list: action<ListPage, User[]>({
      params: listRules,
      access: { publicReads: "admin" },
      graphql: {
        query: "users(limit: Int = 1000, offset: Int = 0): [User!]!",
        rowsPerCall: 500,
      },
    }),
    /**
     * A page of the accounts. Refuses with BAD_USER_INPUT what is no page, and cursors of other
     * sorts.
     */
    page: action<UsersPage, RelayConnection<User>>({
      params: { ...connectionRules, ...filterRules, sort: optional(oneOf(userSorts)) },
      access: { publicReads: "admin" },
      graphql: {
        query: `usersConnection(
          first: Int, after: String, last: Int, before: String
          search: String, filter: UserFilter, sort: UserSort = OLDEST_FIRST
        ): UserConnection!`,
        countedBy: "count",
      },
    }),
    /** How many accounts a filter finds. */
    count: action<UserFilter, RowCount>({
      params: filterRules,
      gateway: true,
      safeToRetry: true,
      access: { publicReads: "admin" },
    }),
    /**
     * Makes an account. Anybody may register type 0; type 1 takes an admin, as the database has it,
     * or a shop that has no admin yet. Refuses with EMAIL_TAKEN, UNAUTHENTICATED or FORBIDDEN.
     */
    register: action<NewUser, User>({
      params: { email, username: text(1, 100), password: passwordRule, type: userTypeRule },
      access: "everyone",
      graphql: { mutation: "registerUser(input: NewUser!): User!", cost: costOfHash },
    }),
    login: action<Login, Token>({
      params: { email: text(0, 254), password: anyPasswordRule },
      access: "everyone",
      graphql: { mutation: "login(input: Login!): Token!", cost: costOfHash },
    }),
    /** Gives new tokens for a refresh token. The same one again gives the same, for some seconds. */
    refreshToken: action<{ token: string }, Token>({
      params: { token: anyTokenRule },
      access: "everyone",
      safeToRetry: true,
      graphql: { mutation: "refreshToken(token: String!): Token!" },
    }),
    /** Ends the session of a refresh token. */
    logout: action<{ token: string }, Success>({
      params: { token: anyTokenRule },
      access: "everyone",
      safeToRetry: true,
      graphql: { mutation: "logout(token: String!): Success!" },
    }),
    /** Ends all sessions of who is signed in. */
    logoutEverywhere: action<object, Success>({
      params: {},
      access: "signed-in",
      graphql: { mutation: "logoutEverywhere: Success!" },
    }),
    /** Sets a new password of who is signed in, and ends all sessions of theirs. */
    changePassword: action<ChangePassword, Success>({
      params: { password: anyPasswordRule, newPassword: passwordRule },
      access: "signed-in",
      graphql: { mutation: "changePassword(input: ChangePassword!): Success!", cost: costOfHash },
    }),
    /** Makes an admin or a customer of somebody else, and ends all sessions of theirs. */
    setType: action<SetUserType, User>({
      params: { id: id(), type: userTypeRule },
      access: "admin",
      graphql: { mutation: "setUserType(input: SetUserType!): User!" },
    }),
    /** Users by their ids, in the order asked; null for an id nobody has. */
    resolve: action<{ ids: string[] }, (User | null)[]>({
      params: { ids: ids(500) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: 500 } },
    }),
    /** The public keys that verify this shop's tokens, as a JSON Web Key Set. */
    jwks: action<object, { keys: PublicKey[] }>({
      params: {},
      access: "everyone",
      gateway: true,
      safeToRetry: true,
    }),
    /**
     * Makes a new key that signs from now on. The ones before it stay published until their last
     * token has expired, or with `revoke` are gone at once: for a key that has got out.
     */
    rotateKeys: action<{ revoke?: boolean }, { kid: string }>({
      params: { revoke: optional({ type: "boolean" }) },
      access: "admin",
    }),
    /**
     * Ended sessions whose access tokens have not all expired, those behind `after`: so many at a
     * time as an answer over NATS can hold.
     */
    endedSessions: action<{ after?: string }, EndedSessionIds>({
      params: { after: optional(id()) },
      access: "everyone",
      gateway: true,
      safeToRetry: true,
    }),
    /** Who registered, signed in and out, changed what, and who was refused to; newest first. */
    auditTrail: auditTrailAction("usersAudit"),
  },
  events: {
    "user.registered": event<UserRegistered>(1, {
      user_id: id(),
      username: exactText(1, 100),
      type: userTypeRule,
    }),
  },
});
