import type { StoredSession, TokenStore } from "../../../../clients/typescript/src/index.ts";
import { readStored, type TextStorage } from "../api/storage.ts";

/** What all tabs share: the refresh token, and whose it is. */
interface SharedSession {
  refreshToken: string;
  userId: string;
}

/** The part of `navigator.locks` that the store needs. */
interface Locks {
  request<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
}

/** The key in `localStorage`; a `storage` event with it means that another tab signed in or out. */
export const sessionKey = "shop-console-session";

/** The key of the note that the user has signed out: otherwise the shop has ended the session. */
const signedOutKey = "shop-console-signed-out";

function isSharedSession(value: unknown): value is SharedSession {
  const { refreshToken, userId } = (value ?? {}) as Partial<SharedSession>;
  return typeof refreshToken === "string" && typeof userId === "string";
}

/** Returns the id of the user who is signed in, in this tab or another one. */
export function signedInUser(storage: TextStorage): string | undefined {
  return readStored(storage, sessionKey, isSharedSession)?.userId;
}

/** Notes for the other tabs that the user signs out. They read it when the session is removed. */
export function noteSignOut(storage: TextStorage): void {
  storage.setItem(signedOutKey, "true");
}

/** Tells whether the user has signed out since the last sign-in, in this tab or another one. */
export function hasSignedOut(storage: TextStorage): boolean {
  return storage.getItem(signedOutKey) !== null;
}

/**
 * Keeps the access token in the memory of the tab, and the refresh token in `localStorage`. Each tab
 * renews its own access token, under a lock: two tabs that use the same refresh token at once would
 * look like a stolen token, which ends the session.
 *
 * @param locks undefined on pages without HTTPS, where browsers have no locks. The shop accepts a
 *   used refresh token for 10 seconds, which then has to be enough.
 */
export function consoleTokenStore(storage: TextStorage, locks: Locks | undefined): TokenStore {
  let access: Pick<StoredSession, "token" | "renewAt"> & { userId: string } = {
    token: "",
    renewAt: 0,
    userId: "",
  };
  return {
    get() {
      const shared = readStored(storage, sessionKey, isSharedSession);
      if (shared === undefined) return undefined;
      // Another tab may have signed in as another user.
      const { token, renewAt } =
        access.userId === shared.userId ? access : { token: "", renewAt: 0 };
      return { token, renewAt, refreshToken: shared.refreshToken };
    },
    set(session) {
      if (session === undefined) {
        access = { token: "", renewAt: 0, userId: "" };
        storage.removeItem(sessionKey);
        return;
      }
      const { token, renewAt, refreshToken } = session;
      const userId = userOf(token);
      access = { token, renewAt, userId };
      const shared: SharedSession = { refreshToken, userId };
      // A renewal that ends while the user signs out is no sign-in.
      if (storage.getItem(sessionKey) === null) storage.removeItem(signedOutKey);
      storage.setItem(sessionKey, JSON.stringify(shared));
    },
    lock: (work) => (locks === undefined ? work() : locks.request(sessionKey, work)),
  };
}

/** Returns the user of an access token. */
function userOf(jwt: string): string {
  const [, payload = ""] = jwt.split(".");
  const claims = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  return (JSON.parse(claims) as { sub: string }).sub;
}
