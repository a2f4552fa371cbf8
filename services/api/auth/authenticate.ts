import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import type { ServiceBroker } from "moleculer";
import { gatewayName, type Viewer } from "../../../core/access.ts";
import { LRUCache } from "lru-cache";
import { commonErrors, ClientError, serviceUnavailable } from "../../../core/errors.ts";
import { PeriodicTask } from "../../../core/periodic-task.ts";
import { tokenIdentity } from "../../users/users.contract.ts";
import { EndedSessions, type FetchEnded } from "./ended-sessions.ts";
import { KeySet, type FetchKeys } from "./key-set.ts";

/** Who sends a request, and until when it may be believed without looking again. */
export interface Authentication {
  viewer: Viewer;
  /** When the token expires (Unix time); absent where none was taken. */
  expiresAtMs?: number;
}

/** What a token says that is signed by one of our keys. */
interface Verified {
  user: Extract<Viewer, { kind: "user" }>;
  kid: string;
  expiresAtMs: number;
}

/** What the authenticator asks the users service for, and where it tells when it cannot. */
interface Sources {
  fetchKeys: FetchKeys;
  fetchEnded: FetchEnded;
  /** Learns that it was fetched anew which sessions have ended. */
  onEndedKnown?: () => void;
  logger: Pick<ServiceBroker["logger"], "warn">;
}

/** Longer than any token of ours, which has some 450 characters. */
const maxTokenLength = 2_048;
const clockToleranceSeconds = 5;
/** Verifying costs some 100 µs; clients send the same token again and again. */
const rememberMs = 10_000;
const maxRemembered = 10_000;
/** Removed keys are forgotten within so long. */
const keysEveryMs = 30_000;
/** Tokens of ended sessions are refused within so long, and nothing is told by their right. */
const maxUnknownMs = 5_000;
/** Together with the time that a fetch may take, less than that. */
const endedEveryMs = 2_000;
const fetchTimeoutMs = 2_000;

const keyIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An authenticator that asks the users service, as the gateway. */
export function authenticatorOf(broker: ServiceBroker, onEndedKnown: () => void): Authenticator {
  async function ask<Result>(action: string, params: object): Promise<Result> {
    // Moleculer would log each call that finds nobody.
    if (!broker.registry.actions.isAvailable(action)) {
      throw serviceUnavailable("The users service is not there.");
    }
    return broker.call<Result, object>(action, params, {
      caller: gatewayName,
      timeout: fetchTimeoutMs,
    });
  }
  return new Authenticator({
    fetchKeys: () => ask("users.jwks", {}),
    fetchEnded: (after) => ask("users.endedSessions", { ...(after !== undefined && { after }) }),
    onEndedKnown,
    logger: broker.logger,
  });
}

/** Verifies tokens with the public keys of the users service, and knows which sessions have ended. */
export class Authenticator {
  readonly #keys: KeySet;
  readonly #ended: EndedSessions;
  readonly #remembered = new LRUCache<string, Verified & { untilMs: number }>({
    max: maxRemembered,
  });
  readonly #polls: PeriodicTask[];

  constructor({ fetchKeys, fetchEnded, onEndedKnown, logger }: Sources) {
    this.#keys = new KeySet(fetchKeys);
    this.#ended = new EndedSessions(fetchEnded);
    const pollEnded = async () => {
      await this.#ended.poll();
      onEndedKnown?.();
    };
    this.#polls = [
      polling(keysEveryMs, "keys", () => this.#keys.refresh(), logger),
      polling(endedEveryMs, "ended sessions", pollEnded, logger),
    ];
  }

  /** Begins to follow which keys there are, and which sessions end. */
  start(): void {
    for (const poll of this.#polls) poll.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#polls.map((poll) => poll.stop()));
  }

  /**
   * Says who sends a request, by its Authorization header, with or without "Bearer ". A token
   * that is not valid makes a stranger of its sender, who may still do what strangers may.
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
      // The users service is away; what needs no token goes on, the rest says why it cannot.
      return { viewer: { kind: "anonymous", unverifiable: true } };
    }
  }

  /**
   * Why somebody who was known some time ago is told no more of what is not for everybody:
   * UNAUTHENTICATED where their session has ended, SERVICE_UNAVAILABLE where nobody could say for
   * as long as an ended one may go on.
   */
  whyNotTold(viewer: Viewer): Error | undefined {
    if (viewer.kind !== "user" || viewer.sessionId === undefined) return undefined;
    const state = this.#ended.stateOf(viewer.sessionId, maxUnknownMs);
    if (state === "live") return undefined;
    if (state === "ended") return new ClientError(commonErrors.UNAUTHENTICATED, sessionEnded);
    return serviceUnavailable("Your session cannot be verified just now; subscribe again later.");
  }

  #recall(token: string): Verified | undefined {
    const known = this.#remembered.get(token);
    if (known === undefined) return undefined;
    if (known.untilMs > Date.now() && this.#keys.has(known.kid)) return known;
    this.#remembered.delete(token);
    return undefined;
  }

  /** What the token says, or a sentence that says why it is not taken. */
  async #verify(token: string): Promise<Verified | string> {
    const kid = keyIdOf(token);
    const key = kid === undefined ? undefined : await this.#keys.find(kid);
    if (kid === undefined || key === undefined) return notOurs;
    const verified = verifiedBy(key, kid, token);
    if (typeof verified !== "string") {
      const untilMs = Math.min(Date.now() + rememberMs, verified.expiresAtMs);
      this.#remembered.set(token, { ...verified, untilMs });
    }
    return verified;
  }
}

/** Failures in a row that are no matter of a moment. */
const toldFailures = 3;

/** Fetches now and then. Failure is told once, when it was not for a moment only. */
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
    if (failures === toldFailures)
      logger.warn(`The ${what} cannot be fetched; those known stay.`, fault);
  });
}

const sessionEnded = "Your session has ended; sign in again.";
const notOurs = "The token is not one of this shop.";

/** The key id of a token, where it has the form of ours. */
function keyIdOf(token: string): string | undefined {
  if (token.length > maxTokenLength) return undefined;
  try {
    const kid: unknown = jwt.decode(token, { complete: true })?.header.kid;
    return typeof kid === "string" && keyIdPattern.test(kid) ? kid : undefined;
  } catch {
    // It looks like a token, and there is no JSON inside.
    return undefined;
  }
}

function verifiedBy(key: KeyObject, kid: string, token: string): Verified | string {
  try {
    const claims = jwt.verify(token, key, {
      algorithms: [tokenIdentity.algorithm],
      issuer: tokenIdentity.issuer,
      audience: tokenIdentity.audience,
      clockTolerance: clockToleranceSeconds,
    });
    if (typeof claims === "string") return notOurs;
    const { sub, type, sid, exp } = claims as Record<string, unknown>;
    if (typeof sub !== "string" || typeof type !== "number" || typeof exp !== "number") {
      return notOurs;
    }
    const session = typeof sid === "string" ? { sessionId: sid } : {};
    return { user: { kind: "user", id: sub, type, ...session }, kid, expiresAtMs: exp * 1_000 };
  } catch (error) {
    return error instanceof jwt.TokenExpiredError
      ? "Your token has expired; sign in again."
      : notOurs;
  }
}

function rejected(reason: string): Authentication {
  return { viewer: { kind: "anonymous", rejected: reason } };
}
