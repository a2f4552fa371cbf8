import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import type { ServiceBroker } from "moleculer";
import { gatewayName, type Viewer } from "../../../core/access.ts";
import { LRUCache } from "lru-cache";
import { clockToleranceMs } from "../../../core/clock/clock-difference.ts";
import { commonErrors, ClientError, serviceUnavailable } from "../../../core/errors.ts";
import { callIfAvailable } from "../../../core/tasks/call-if-available.ts";
import { PeriodicTask } from "../../../core/tasks/periodic-task.ts";
import { tokenIdentity } from "../../users/users.contract.ts";
import { atMost } from "../limits/at-most.ts";
import { EndedSessions, type FetchEnded } from "./ended-sessions.ts";
import { KeySet, type FetchKeys } from "./key-set.ts";

/** The viewer of a request. */
export interface Authentication {
  viewer: Viewer;
  /** When the token expires (Unix time); absent without a valid token. */
  expiresAtMs?: number;
}

/** The claims of a token with a valid signature. */
interface Verified {
  user: Extract<Viewer, { kind: "user" }>;
  kid: string;
  expiresAtMs: number;
}

/** What the authenticator fetches from the users service, and where it reports failures. */
interface Sources {
  fetchKeys: FetchKeys;
  fetchEnded: FetchEnded;
  /** Called after each successful poll of ended sessions. */
  onEndedPolled?: () => void;
  logger: Pick<ServiceBroker["logger"], "warn">;
}

/** Tokens of this shop have about 450 characters. */
const maxTokenLength = 2_048;
/** Verification takes about 100 µs, and clients send the same token with each request. */
const cacheMs = 10_000;
const maxCached = 10_000;
/** A removed key is rejected after this time at the latest. */
const keysEveryMs = 30_000;
/** Tokens of ended sessions are rejected, and their subscriptions end, within this time. */
const maxUnknownMs = 5_000;
/** Plus `fetchTimeoutMs`, less than `maxUnknownMs`. */
const endedEveryMs = 2_000;
const fetchTimeoutMs = 2_000;

const keyIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Makes an authenticator that calls the users service as the gateway. */
export function authenticatorOf(broker: ServiceBroker, onEndedPolled: () => void): Authenticator {
  async function call<Result>(action: string, params: object): Promise<Result> {
    const options = { caller: gatewayName, timeout: fetchTimeoutMs };
    const result = await callIfAvailable<Result>(broker, action, params, options);
    if (result === undefined) throw serviceUnavailable("The users service is unavailable.");
    return result;
  }
  return new Authenticator({
    fetchKeys: () => call("users.jwks", {}),
    fetchEnded: (after) => call("users.endedSessions", { ...(after !== undefined && { after }) }),
    onEndedPolled,
    logger: broker.logger,
  });
}

/** Verifies tokens with the public keys of the users service, and rejects ended sessions. */
export class Authenticator {
  readonly #keys: KeySet;
  readonly #ended: EndedSessions;
  readonly #cached = new LRUCache<string, Verified & { untilMs: number }>(atMost(maxCached));
  readonly #polls: PeriodicTask[];

  constructor({ fetchKeys, fetchEnded, onEndedPolled, logger }: Sources) {
    this.#keys = new KeySet(fetchKeys);
    this.#ended = new EndedSessions(fetchEnded);
    const pollEnded = async () => {
      await this.#ended.poll();
      onEndedPolled?.();
    };
    this.#polls = [
      polling(keysEveryMs, "keys", () => this.#keys.refresh(), logger),
      polling(endedEveryMs, "ended sessions", pollEnded, logger),
    ];
  }

  /** Starts polling the keys and the ended sessions. */
  start(): void {
    for (const poll of this.#polls) poll.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#polls.map((poll) => poll.stop()));
  }

  /**
   * Returns the viewer for an Authorization header, with or without "Bearer ". The viewer of an
   * invalid token is anonymous, with the reason in `rejected`.
   */
  async viewerOf(authorization: string | undefined): Promise<Authentication> {
    const token = authorization?.replace(/^Bearer(\s+|$)/i, "").trim();
    if (token === undefined || token === "") return { viewer: { kind: "anonymous" } };
    try {
      const verified = this.#recall(token) ?? (await this.#verify(token));
      if (typeof verified === "string") return rejected(verified);
      const { user, expiresAtMs } = verified;
      if (user.sessionId !== undefined && (await this.#ended.has(user.sessionId))) {
        return rejected(sessionEnded);
      }
      return { viewer: user, expiresAtMs };
    } catch {
      // The users service is unavailable: only fields that need authentication fail.
      return { viewer: { kind: "anonymous", unverifiable: true } };
    }
  }

  /**
   * Returns the error that ends the subscriptions of a viewer: UNAUTHENTICATED if the session has
   * ended, SERVICE_UNAVAILABLE if no poll succeeded within `maxUnknownMs`.
   */
  revocationOf(viewer: Viewer): Error | undefined {
    if (viewer.kind !== "user" || viewer.sessionId === undefined) return undefined;
    const state = this.#ended.stateOf(viewer.sessionId, maxUnknownMs);
    if (state === "live") return undefined;
    if (state === "ended") return new ClientError(commonErrors.UNAUTHENTICATED, sessionEnded);
    return serviceUnavailable("Your session cannot be verified now. Subscribe again later.");
  }

  #recall(token: string): Verified | undefined {
    const cached = this.#cached.get(token);
    if (cached === undefined) return undefined;
    if (cached.untilMs > Date.now() && this.#keys.has(cached.kid)) return cached;
    this.#cached.delete(token);
    return undefined;
  }

  /** Returns the claims of a token, or the reason why it is rejected. */
  async #verify(token: string): Promise<Verified | string> {
    const kid = keyIdOf(token);
    const key = kid === undefined ? undefined : await this.#keys.find(kid);
    if (kid === undefined || key === undefined) return foreignToken;
    const verified = verifiedBy(key, kid, token);
    if (typeof verified !== "string") {
      const untilMs = Math.min(Date.now() + cacheMs, verified.expiresAtMs);
      this.#cached.set(token, { ...verified, untilMs });
    }
    return verified;
  }
}

/** Consecutive failures before a warning is logged. */
const loggedFailures = 3;

/** Makes a periodic fetch. Logs one warning for consecutive failures. */
function polling(
  everyMs: number,
  what: string,
  fetch: () => Promise<void>,
  logger: Sources["logger"],
): PeriodicTask {
  let failures = 0;
  const work = async () => {
    await fetch();
    failures = 0;
  };
  return new PeriodicTask(everyMs, work, (fault) => {
    failures += 1;
    if (failures === loggedFailures)
      logger.warn(`Cannot fetch the ${what}. The last fetched ${what} stay in use.`, fault);
  });
}

const sessionEnded = "Your session has ended; sign in again.";
const foreignToken = "The token was not issued by this shop.";

/** Returns the key id of a token; undefined if the token has another form. */
function keyIdOf(token: string): string | undefined {
  if (token.length > maxTokenLength) return undefined;
  try {
    const kid: unknown = jwt.decode(token, { complete: true })?.header.kid;
    return typeof kid === "string" && keyIdPattern.test(kid) ? kid : undefined;
  } catch {
    // A part of the token is not JSON.
    return undefined;
  }
}

function verifiedBy(key: KeyObject, kid: string, token: string): Verified | string {
  try {
    const claims = jwt.verify(token, key, {
      algorithms: [tokenIdentity.algorithm],
      issuer: tokenIdentity.issuer,
      audience: tokenIdentity.audience,
      clockTolerance: clockToleranceMs / 1_000,
    });
    if (typeof claims === "string") return foreignToken;
    const { sub, type, operate, sid, exp } = claims as Record<string, unknown>;
    if (typeof sub !== "string" || typeof type !== "number" || typeof exp !== "number") {
      return foreignToken;
    }
    const session = typeof sid === "string" ? { sessionId: sid } : {};
    const rights = operate === true ? { mayOperate: true as const } : {};
    const user = { kind: "user" as const, id: sub, type, ...rights, ...session };
    return { user, kid, expiresAtMs: exp * 1_000 };
  } catch (error) {
    return error instanceof jwt.TokenExpiredError
      ? "Your token has expired; sign in again."
      : foreignToken;
  }
}

function rejected(reason: string): Authentication {
  return { viewer: { kind: "anonymous", rejected: reason } };
}
