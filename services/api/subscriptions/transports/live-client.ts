import type { IncomingMessage } from "node:http";
import type { Context, ServiceBroker } from "moleculer";
import type { Meta, Viewer } from "../../../../core/access.ts";
import { addressGroup } from "../../../../core/network/caller-address.ts";
import type { Authentication } from "../../auth/authenticate.ts";
import type { GraphqlExecution } from "../../graphql/graphql-execution.ts";
import { callerOf, costShareOf } from "../../limits/callers.ts";
import type { FairQueue } from "../../limits/fair-queue.ts";
import type { ResourceUsage } from "../../limits/resource-usage.ts";
import type { TimeLimits } from "../../limits/time-limits.ts";
import type { RequestLog } from "../../observability/request-log.ts";

/** Unread bytes of a client. Beyond, its connection is cut. */
export const maxUnreadBytes = 1_048_576;
/** How often the gateway checks that a client responds and that its token is valid. */
export const checkEveryMs = 10_000;

/** What connections of any transport need from the gateway. */
export interface GatewayParts {
  viewerOf: (authorization: string | undefined) => Promise<Authentication>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** Makes the context of an operation, from which the gateway calls actions. */
  newContext: (req?: IncomingMessage) => Context<unknown, Meta>;
  timeLimits: TimeLimits;
  usage: ResourceUsage;
  fairQueue: FairQueue;
  logger: ServiceBroker["logger"];
  requestLog: RequestLog;
}

/** The gateway, as the transports of subscriptions see it. */
export interface LiveGateway {
  execution: GraphqlExecution;
  parts: GatewayParts;
}

/** What the gateway knows of a client by its request. */
export interface ClientOrigin {
  address: string;
  /** The header User-Agent. */
  userAgent?: string | undefined;
}

/** The longest delay of a timer. */
const maxDelayMs = 2_147_483_647;

/** The client of an open connection. Its token is checked again as long as the connection is open. */
export class LiveClient {
  readonly address: string;
  readonly userAgent: string | undefined;
  /** The group of addresses that limits apply to. */
  readonly group: string;
  readonly #gateway: LiveGateway;
  readonly #onInvalid: () => void;
  #token: string | undefined;
  #viewer: Viewer = { kind: "anonymous" };
  #expiry: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param onInvalid called when the token expires or its session ends */
  constructor(gateway: LiveGateway, { address, userAgent }: ClientOrigin, onInvalid: () => void) {
    this.#gateway = gateway;
    this.address = address;
    this.userAgent = userAgent;
    this.group = addressGroup(address);
    this.#onInvalid = onInvalid;
  }

  get viewer(): Viewer {
    return this.#viewer;
  }

  /** Authenticates the client. Returns the reason why its token is rejected. */
  async signIn(token: string): Promise<string | undefined> {
    const { viewer, expiresAtMs } = await this.#gateway.parts.viewerOf(token);
    const rejection = rejectionOf(viewer);
    if (rejection !== undefined) return rejection;
    if (this.#isClosed) return undefined;
    this.#token = token;
    this.#viewer = viewer;
    if (expiresAtMs !== undefined) {
      const leftMs = Math.min(maxDelayMs, Math.max(0, expiresAtMs - Date.now()));
      this.#expiry = setTimeout(this.#onInvalid, leftMs);
    }
    return undefined;
  }

  /** Authenticates the token again: it may have become invalid, or verifiable by now. */
  async review(): Promise<void> {
    if (this.#token === undefined) return;
    const { viewer } = await this.#gateway.parts.viewerOf(this.#token);
    this.#viewer = viewer;
    if (rejectionOf(viewer) !== undefined) this.#onInvalid();
  }

  /** Charges the client. Returns false at the maximum debt. */
  charge(cost: number): boolean {
    const caller = callerOf(this.#viewer, this.address);
    return this.#gateway.execution.throttle.charge(caller, costShareOf(this.#viewer) * cost);
  }

  /** Ends the checks of the token. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#expiry);
    this.#token = undefined;
  }
}

/** Returns the reason why a token was rejected; undefined for a valid token or none. */
function rejectionOf(viewer: Viewer): string | undefined {
  return viewer.kind === "anonymous" ? viewer.rejected : undefined;
}
