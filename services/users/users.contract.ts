import { readFileSync } from "node:fs";
import type { JsonWebKey } from "node:crypto";
import { action, defineContract, event } from "../../core/contract.ts";
import { id, ids, int, pageRules, text, type Page } from "../../core/validation.ts";

export interface User {
  id: string;
  email: string;
  username: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type: number;
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

const email = {
  ...text(3, 254),
  // One "@", a dot behind it, nothing blank or invisible: what can be mailed, mailing finds out.
  // What is too long is not even looked at: the rest takes quadratic time.
  pattern: /^(?![^]{255})[^\s@\p{C}]+@[^\s@\p{C}]+\.[^\s@\p{C}]+$/u,
  messages: { stringPattern: "'{field}' must be an email address." },
};

export const usersContract = defineContract({
  name: "users",
  graphql: { type: readFileSync(new URL("users.graphql", import.meta.url), "utf8") },
  actions: {
    get: action<{ id: string }, User>({
      params: { id: id() },
      access: { publicReads: "signed-in" },
      graphql: { query: "user(id: ID!): User!" },
    }),
    list: action<Page, User[]>({
      params: pageRules,
      access: { publicReads: "admin" },
      graphql: {
        query: "users(limit: Int = 1000, offset: Int = 0): [User!]!",
        rowsPerCall: 500,
      },
    }),
    register: action<NewUser, User>({
      params: { email, username: text(1, 100), password: text(8, 128), type: int(0, 1) },
      access: "everyone",
      graphql: { mutation: "registerUser(input: NewUser!): User!" },
    }),
    login: action<Login, { token: string }>({
      // No rule says what a password must look like here: any wrong one is answered alike.
      params: { email: text(0, 254), password: text(0, 128) },
      access: "everyone",
      graphql: { mutation: "login(input: Login!): Token!" },
    }),
    /** Users by their ids, in the order asked; null for an id nobody has. */
    resolve: action<{ ids: string[] }, (User | null)[]>({
      params: { ids: ids(500) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: 500 } },
    }),
    /** The public keys that verify this shop's tokens, as a JSON Web Key Set. */
    jwks: action<object, { keys: PublicKey[] }>({
      ...{ params: {}, access: "everyone", repeatable: true },
    }),
    /** Answers when the service's database does. */
    ready: action<object, boolean>({ params: {}, access: "everyone" }),
  },
  events: {
    "user.registered": event<UserRegistered>(1, {
      user_id: id(),
      username: text(1, 100),
      type: int(0, 1),
    }),
  },
});
