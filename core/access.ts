import type { Context } from "moleculer";
import { commonErrors, ClientError, serviceUnavailable } from "./errors.ts";

/** The service that lets strangers in; whatever it calls is subject to the access rules. */
export const gatewayName = "api";

/** Who sent the request that came through the gateway. */
export type Viewer =
  | {
      kind: "anonymous";
      /** Why a token that was sent is not taken. */
      rejected?: string;
      /** A token was sent, and nobody is there just now who could tell whether it is valid. */
      unverifiable?: boolean;
    }
  | {
      kind: "user";
      id: string;
      type: number;
      /** The sign-in that the token comes from. */
      sessionId?: string;
    };

/** Who is behind a call: a viewer, or the operator (the REPL, another service). */
export type Actor = Viewer | { kind: "operator" };

/**
 * A key as its sender has given it; or, of a document's further calls of the same action, with
 * their number, from 2 on. No text is both: no key that a sender gives is another document's.
 */
export type IdempotencyKey = string | [key: string, number: number];

/** What the gateway puts into `ctx.meta`; the console may give a key of its own. */
export interface Meta {
  viewer?: Viewer;
  /** Where the request came from: what tells strangers apart. */
  address?: string;
  /** The sender's own name for the request: the same one again has no second effect. */
  idempotencyKey?: IdempotencyKey;
  /**
   * Of a call with a key: the same for all tries of this call, on whichever nodes, and greater than
   * that of any call before it.
   */
  attemptId?: string;
}

type Need = "everyone" | "signed-in" | "admin" | "nobody";

/**
 * Who may call an action through the gateway. `nobody` is for actions between services.
 * `{ publicReads }` names the need that `PUBLIC_READS=true` lifts.
 */
export type Access = Need | { publicReads: Need };

/** The user types of the original. */
export const userType = { default: 0, admin: 1 } as const;

type CallContext = Pick<Context<unknown, Meta>, "caller" | "meta">;

/**
 * Who is behind this call. Only a direct call of the gateway is a viewer's: what a service calls
 * to fulfil a request is the service's own doing. A gateway call without a viewer is anonymous.
 */
export function actorOf(ctx: CallContext): Actor {
  if (ctx.caller !== gatewayName) return { kind: "operator" };
  return ctx.meta.viewer ?? { kind: "anonymous" };
}

/** Who is behind a call, and where it came from. */
export interface Sender {
  actor: Actor;
  /** As the gateway says it; null for the operator's calls. */
  address: string | null;
}

export function senderOf(ctx: CallContext): Sender {
  const actor = actorOf(ctx);
  return { actor, address: actor.kind === "operator" ? null : (ctx.meta.address ?? null) };
}

/** The signed-in user's id; null for everybody else. */
export function userIdOf(actor: Actor): string | null {
  return actor.kind === "user" ? actor.id : null;
}

function isAdmin(actor: Actor): boolean {
  return actor.kind === "user" && actor.type === userType.admin;
}

/** True for those whom no rule about "one's own" holds back. */
export function mayActForOthers(actor: Actor): boolean {
  return actor.kind === "operator" || isAdmin(actor);
}

/** The error for somebody who would have to be signed in. */
export function unauthenticated(actor: Actor): Error {
  if (actor.kind !== "anonymous") return forbidden();
  if (actor.unverifiable) return serviceUnavailable("Your token cannot be verified just now.");
  const message = actor.rejected ?? "Sign in to do this: send the token that login gives.";
  return new ClientError(commonErrors.UNAUTHENTICATED, message);
}

export function forbidden(): ClientError {
  return new ClientError(commonErrors.FORBIDDEN, "Your account is not allowed to do this.");
}

/**
 * Throws UNAUTHENTICATED or FORBIDDEN unless the actor meets the rule. An action without a rule
 * is nobody's.
 */
export function assertAccess(access: Access | undefined, actor: Actor, publicReads: boolean): void {
  if (actor.kind === "operator") return;
  const need = needOf(access, publicReads);
  if (need === "everyone") return;
  // Also for a rule that nobody knows: what is not allowed in so many words is forbidden.
  if (need !== "signed-in" && need !== "admin") throw forbidden();
  if (actor.kind === "anonymous") throw unauthenticated(actor);
  if (need === "admin" && !isAdmin(actor)) throw forbidden();
}

function needOf(access: Access | undefined, publicReads: boolean): Need {
  if (access === undefined) return "nobody";
  if (typeof access === "string") return access;
  return publicReads ? "everyone" : access.publicReads;
}
