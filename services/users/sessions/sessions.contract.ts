import type { JsonWebKey } from "node:crypto";
import { action } from "../../../core/contract.ts";
import { id, optional, text } from "../../../core/validation.ts";
import type { Success, User } from "../accounts/accounts.contract.ts";
import { anyPasswordRule, anyTokenRule, costOfHash } from "../passwords/passwords.contract.ts";

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

/** An open session of a user. */
export interface Session {
  /** The claim `sid` of its access tokens. */
  id: string;
  /** The time of the login. ISO 8601, UTC, like the other times. */
  createdAt: string;
  /** The time of the last refresh, or of the login. */
  lastUsedAt: string;
  expiresAt: string;
  /** The IP address of the login, of IPv6 the network. */
  address: string | null;
  /** What the client of the login said of itself. */
  userAgent: string | null;
  /** Whether the access token of the call belongs to this session. */
  current: boolean;
}

/** The maximum number of open sessions of a user. A new one replaces the oldest. */
export const maxSessionsPerUser = 100;

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

/** The actions of sessions, and of the keys that sign tokens. */
export const sessionActions = {
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
      takesUserAgent: true,
      ignoresKey: true,
      cost: costOfHash,
    },
  }),
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
  sessions: action<object, Session[]>({
    params: {},
    access: "signed-in",
    graphql: {
      query: `
        """
        The open sessions of the caller, newest first, at most ${maxSessionsPerUser}. For signed-in
        users. Errors: UNAUTHENTICATED, FORBIDDEN (the caller has no account).
        """
        sessions: [Session!]!
      `,
    },
  }),
  endSession: action<{ id: string }, Success>({
    params: { id: id() },
    access: "signed-in",
    graphql: {
      mutation: `
        """
        Ends an open session of the caller, for example on a lost device. For signed-in users.
        Errors: UNAUTHENTICATED, BAD_USER_INPUT, SESSION_NOT_FOUND.
        """
        endSession("The id of the session" id: ID!): Success!
      `,
    },
  }),
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
};
