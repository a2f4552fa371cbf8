import { isShopError } from "./shop-error.ts";
import type { StoredSession, TokenStore } from "./token-store.ts";

/** The tokens that `login` and `refreshToken` return. */
export interface Tokens {
  token: string;
  refreshToken: string;
}

/** The tokens are renewed this long before the access token expires. */
const leewayMs = 60_000;

interface SessionOptions {
  store: TokenStore;
  /** Exchanges a refresh token for the next tokens. */
  refresh: (refreshToken: string) => Promise<Tokens>;
  onSignedOut: () => void;
}

/** The session of a client: gives access tokens and renews them. */
export class Session {
  readonly #store: TokenStore;
  readonly #refresh: SessionOptions["refresh"];
  readonly #onSignedOut: () => void;
  /** The renewal in flight, for which all callers wait. */
  #renewal: Promise<StoredSession | undefined> | undefined;

  constructor({ store, refresh, onSignedOut }: SessionOptions) {
    this.#store = store;
    this.#refresh = refresh;
    this.#onSignedOut = onSignedOut;
  }

  /** Returns an access token, or undefined without a session. Renews it shortly before it expires. */
  async token(): Promise<string | undefined> {
    const session = await this.#store.get();
    if (session === undefined || Date.now() < session.renewAt) return session?.token;
    try {
      return await this.renew(session.token);
    } catch {
      // The token may still be valid, and the request may not need one. The shop decides.
      return session.token;
    }
  }

  /**
   * Returns another access token than this one. Returns undefined if the session has ended. Throws
   * if the shop cannot be asked.
   */
  async renew(rejected: string): Promise<string | undefined> {
    const next = () => this.#next(rejected);
    this.#renewal ??= (this.#store.lock?.(next) ?? next()).finally(() => {
      this.#renewal = undefined;
    });
    return (await this.#renewal)?.token;
  }

  /** Stores a new session. Returns the refresh token of the former one. */
  open(tokens: Tokens): Promise<string | undefined> {
    return this.#replace(stored(tokens));
  }

  /** Forgets the session. Returns its refresh token. */
  close(): Promise<string | undefined> {
    return this.#replace(undefined);
  }

  async #replace(session: StoredSession | undefined): Promise<string | undefined> {
    // The shop ends a session only by its newest refresh token.
    await this.#renewal?.catch(() => undefined);
    const former = await this.#store.get();
    await this.#store.set(session);
    return former?.refreshToken;
  }

  async #next(rejected: string): Promise<StoredSession | undefined> {
    const session = await this.#store.get();
    // Another client with this store has renewed the tokens.
    if (session?.token !== rejected) return session;
    const { refreshToken } = session;
    const next = await this.#refresh(refreshToken).then(stored, (error: unknown) => {
      if (isShopError(error, "UNAUTHENTICATED")) return undefined;
      throw error;
    });
    // Meanwhile, another client can have renewed the tokens, or the user has signed in again.
    const current = await this.#store.get();
    if (current?.refreshToken !== refreshToken) return current;
    await this.#store.set(next);
    if (next === undefined) this.#onSignedOut();
    return next;
  }
}

/** Adds the time of the next renewal, by the lifetime in the token: the local clock may be wrong. */
function stored({ token, refreshToken }: Tokens): StoredSession {
  const lifetimeMs = lifetimeOf(token);
  const renewAt = Date.now() + lifetimeMs - Math.min(leewayMs, lifetimeMs / 5);
  return { token, refreshToken, renewAt };
}

function lifetimeOf(jwt: string): number {
  const [, payload = ""] = jwt.split(".");
  const claims = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  const { iat, exp } = JSON.parse(claims) as { iat: number; exp: number };
  return (exp - iat) * 1000;
}
