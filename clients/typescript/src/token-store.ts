/** The tokens of a session. */
export interface StoredSession {
  token: string;
  refreshToken: string;
  /** From this time of the local clock on, the client renews the tokens before a request. */
  renewAt: number;
}

/**
 * Where a client keeps its session. The client reads the store before each request, so that
 * several clients, for example in two tabs of a browser, can share a store.
 */
export interface TokenStore {
  get(): StoredSession | undefined | Promise<StoredSession | undefined>;
  /** Called without a session when it has ended. */
  set(session: StoredSession | undefined): void | Promise<void>;
  /**
   * Renews the tokens while no other client renews those of this store, for example with
   * `navigator.locks`. Without it, clients renew at the same time.
   */
  lock?<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Keeps the session in memory. */
export function memoryTokenStore(): TokenStore {
  let current: StoredSession | undefined;
  return {
    get: () => current,
    set(session) {
      current = session;
    },
  };
}

/** The part of `localStorage` that a token store needs. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps the session in `localStorage`, which all tabs of a site share, or in `sessionStorage`.
 * Every script of the site can read both.
 */
export function webTokenStore(storage: TextStorage, key = "shop-session"): TokenStore {
  return {
    get() {
      const text = storage.getItem(key);
      return text === null ? undefined : (JSON.parse(text) as StoredSession);
    },
    set(session) {
      if (session === undefined) storage.removeItem(key);
      else storage.setItem(key, JSON.stringify(session));
    },
  };
}
