import { createPublicKey, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import type { Viewer } from "../../core/access.ts";
import { tokenIdentity, type PublicKey } from "../users/users.contract.ts";

/** Fetches the key set from the users service. */
type FetchKeys = () => Promise<{ keys: PublicKey[] }>;

/** An unknown key id makes the key set be fetched anew, but not more often than this. */
const refetchAfterMs = 5_000;
const clockToleranceSeconds = 5;

/** Verifies tokens with the public keys of the users service, which it fetches when it needs them. */
export class Authenticator {
  readonly #fetchKeys: FetchKeys;
  #keys = new Map<string, KeyObject>();
  #fetchedAtMs = -Infinity;
  #fetching: Promise<void> | undefined;

  constructor(fetchKeys: FetchKeys) {
    this.#fetchKeys = fetchKeys;
  }

  /**
   * Says who sends a request, by its Authorization header, with or without "Bearer ". A token
   * that is not valid makes a stranger of its sender, who may still do what strangers may.
   */
  async viewerOf(authorization: string | undefined): Promise<Viewer> {
    const token = authorization?.replace(/^Bearer(\s+|$)/i, "").trim();
    if (token === undefined || token === "") return { kind: "anonymous" };

    const kid = keyIdOf(token);
    if (kid === undefined) return rejected("The token is not one of this shop.");
    let key: KeyObject | undefined;
    try {
      key = await this.#key(kid);
    } catch {
      // The users service is away; what needs no token goes on, the rest says why it cannot.
      return { kind: "anonymous", unverifiable: true };
    }
    if (key === undefined) return rejected("The token is not one of this shop.");
    return viewerOfToken(token, key);
  }

  async #key(kid: string): Promise<KeyObject | undefined> {
    const known = this.#keys.get(kid);
    if (known !== undefined) return known;
    if (performance.now() - this.#fetchedAtMs >= refetchAfterMs) {
      this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    }
    await this.#fetching;
    return this.#keys.get(kid);
  }

  async #fetch(): Promise<void> {
    const { keys } = await this.#fetchKeys();
    this.#keys = new Map(
      keys.map((key) => [key.kid, createPublicKey({ key: { ...key }, format: "jwk" })]),
    );
    this.#fetchedAtMs = performance.now();
  }
}

function keyIdOf(token: string): string | undefined {
  try {
    return jwt.decode(token, { complete: true })?.header.kid;
  } catch {
    // It looks like a token, and there is no JSON inside.
    return undefined;
  }
}

function viewerOfToken(token: string, key: KeyObject): Viewer {
  try {
    const claims = jwt.verify(token, key, {
      algorithms: [tokenIdentity.algorithm],
      issuer: tokenIdentity.issuer,
      audience: tokenIdentity.audience,
      clockTolerance: clockToleranceSeconds,
    });
    if (typeof claims === "string" || claims.sub === undefined) {
      return rejected("The token is not one of this shop.");
    }
    return { kind: "user", id: claims.sub, type: Number(claims.type) };
  } catch (error) {
    if (error instanceof jwt.TokenExpiredError) {
      return rejected("Your token has expired; sign in again.");
    }
    return rejected("The token is not one of this shop.");
  }
}

function rejected(reason: string): Viewer {
  return { kind: "anonymous", rejected: reason };
}
