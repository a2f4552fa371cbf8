import type { Context } from "moleculer";
import { commonErrors, ClientError, serviceUnavailable } from "./errors.ts";

/** The service that serves clients. Its direct calls are subject to the access rules. */
export const gatewayName = "api";

/** The client behind a request that came through the gateway. */
export type Viewer =
  | {
      kind: "anonymous";
      /** Why the gateway rejected the token of the request. */
      rejected?: string;
      /** The request has a token, and the service that verifies tokens is unavailable. */
      unverifiable?: boolean;
    }
  | {
      kind: "user";
      id: string;
      type: number;
      /** Whether the access token has the right to operate. Only admins have it. */
      mayOperate?: true;
      /** The session that the token belongs to. */
      sessionId?: string;
    };

/** The party behind a call: a viewer, or the operator (the REPL, another service). */
export type Actor = Viewer | { kind: "operator" };

/**
 * The idempotency key that a client sent. When a document calls an action several times, the calls
 * from the second on have a pair: the key and their number. A pair never equals a client's key.
 */
export type IdempotencyKey = string | [key: string, number: number];

/** What the gateway puts into `ctx.meta`. The REPL may set an idempotency key. */
export interface Meta {
  viewer?: Viewer;
  /** The IP address of the client. It distinguishes anonymous callers. */
  address?: string;
  /** The client's header User-Agent, for actions whose GraphQL field has `takesUserAgent`. */
  userAgent?: string;
  /** A duplicate request with the same key has no second effect. */
  idempotencyKey?: IdempotencyKey;
  /**
   * Set for a call with an idempotency key: the same for all retries of the call, on all nodes, and
   * greater than the id of any earlier call.
   */
  attemptId?: string;
}

type Need = "everyone" | "signed-in" | "admin" | "operations" | "nobody";

/**
 * Who may call an action through the gateway. `operations` is for admins with the right to operate,
 * `nobody` for actions between services. `PUBLIC_READS=true` turns `{ publicReads }` into `everyone`.
 */
export type Access = Need | { publicReads: Need };

/** The values of a user's `type`. */
export const userType = { default: 0, admin: 1 } as const;

type CallContext = Pick<Context<unknown, Meta>, "caller" | "meta">;

/**
 * Returns the actor of a call. Only a direct call of the gateway has a viewer as its actor; calls
 * between services are the operator's. A gateway call without a viewer is anonymous.
 */
export function actorOf(ctx: CallContext): Actor {
  if (ctx.caller !== gatewayName) return { kind: "operator" };
  return ctx.meta.viewer ?? { kind: "anonymous" };
}

/** The actor of a call and the client's address. */
export interface Sender {
  actor: Actor;
  /** Null for calls of the operator. */
  address: string | null;
}

export function senderOf(ctx: CallContext): Sender {
  const actor = actorOf(ctx);
  return { actor, address: actor.kind === "operator" ? null : (ctx.meta.address ?? null) };
}

/** Returns the id of a signed-in user, or null for any other actor. */
export function userIdOf(actor: Actor): string | null {
  return actor.kind === "user" ? actor.id : null;
}

/** Returns the id of the session whose access token the caller sent. */
export function sessionIdOf(actor: Actor): string | undefined {
  return actor.kind === "user" ? actor.sessionId : undefined;
}

function isAdmin(actor: Actor): boolean {
  return actor.kind === "user" && actor.type === userType.admin;
}

/** Returns true if the actor may read and change data of other users: an admin or the operator. */
export function mayActForOthers(actor: Actor): boolean {
  return actor.kind === "operator" || isAdmin(actor);
}

/** Returns true for an anonymous actor whose request has a token that cannot be used. */
export function isTokenRejected(actor: Actor): boolean {
  if (actor.kind !== "anonymous") return false;
  return actor.rejected !== undefined || actor.unverifiable === true;
}

/** Returns the error for an actor that is not a signed-in user. */
export function unauthenticated(actor: Actor): Error {
  if (actor.kind !== "anonymous") return forbidden();
  if (actor.unverifiable)
    return serviceUnavailable("Your token cannot be verified now. Try again.");
  const message = actor.rejected ?? "Sign in to do this: send the token that login returns.";
  return new ClientError(commonErrors.UNAUTHENTICATED, message);
}

export function forbidden(): ClientError {
  return new ClientError(commonErrors.FORBIDDEN, "Your account is not allowed to do this.");
}

/**
 * Throws UNAUTHENTICATED or FORBIDDEN unless the actor meets the rule. Without a rule, only the
 * operator may call an action.
 */
export function assertAccess(access: Access | undefined, actor: Actor, publicReads: boolean): void {
  if (actor.kind === "operator") return;
  const need = needOf(access, publicReads);
  if (need === "everyone") return;
  // An unknown rule forbids, too: access is closed by default.
  if (need !== "signed-in" && need !== "admin" && need !== "operations") throw forbidden();
  if (actor.kind === "anonymous") throw unauthenticated(actor);
  if (need !== "signed-in" && !isAdmin(actor)) throw forbidden();
  if (need === "operations" && actor.mayOperate !== true) throw forbidden();
}

/** Returns true if the rule admits every caller, with `PUBLIC_READS` as it is set. */
export function isPublic(access: Access | undefined, publicReads: boolean): boolean {
  return needOf(access, publicReads) === "everyone";
}

function needOf(access: Access | undefined, publicReads: boolean): Need {
  if (access === undefined) return "nobody";
  if (typeof access === "string") return access;
  return publicReads ? "everyone" : access.publicReads;
}
