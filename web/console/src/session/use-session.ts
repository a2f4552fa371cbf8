import { useEffect, useSyncExternalStore } from "react";
import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { useShopQuery } from "../api/use-shop.ts";
import { storeRights } from "./known-rights.ts";
import { sessionState, subscribeToSession, type SessionEnd } from "./session-store.ts";
import { userTypes } from "./user-types.ts";
import { ViewerDocument, type ViewerQuery } from "./session.graphql.ts";

/** The account of the signed-in user. */
export type Viewer = NonNullable<ViewerQuery["me"]>;

/** `loading` until the shop has told who the signed-in user is. */
type SessionStatus = "anonymous" | "loading" | "signed-in";

/** Who is signed in, with the rights that decide what the console shows. */
export interface Session {
  status: SessionStatus;
  /** Known before the account is. */
  userId: string | undefined;
  viewer: Viewer | undefined;
  /** While the status is `loading`: why the account could not be read yet. It is tried again. */
  failure: unknown;
  isAdmin: boolean;
  /** An admin who may also watch and repair the cluster. */
  mayOperate: boolean;
  /** The user whose page stays for its unsaved edits, although the session has ended. */
  pausedUserId: string | undefined;
  /** Why nobody is signed in any more, unless the user has signed out in this tab. */
  end: SessionEnd | undefined;
}

/** Another attempt can succeed after these errors. */
const passing = [
  "NETWORK_ERROR",
  "TIMEOUT",
  "INVALID_RESPONSE",
  "SERVICE_UNAVAILABLE",
  "INTERNAL_SERVER_ERROR",
  "TOO_MANY_REQUESTS",
] as const;

/** No page asks for the account again, so that its links would be missing long after an outage. */
const untilAnswered = {
  retry: (_failures: number, error: Error) => isShopError(error, ...passing),
  retryDelay: 3_000,
};

/** Returns who is signed in. */
export function useSession(): Session {
  const session = useSyncExternalStore(subscribeToSession, sessionState);
  const { userId, pausedUserId, end, rights } = session;
  const isSignedIn = userId !== undefined;
  const options = { enabled: isSignedIn, ...untilAnswered };
  const { data, failureReason } = useShopQuery(ViewerDocument, {}, options);
  const isShown = isSignedIn || pausedUserId !== undefined;
  const viewer = isShown ? (data?.me ?? undefined) : undefined;
  const status = !isShown ? "anonymous" : viewer === undefined ? "loading" : "signed-in";
  useEffect(() => {
    if (viewer) storeRights(localStorage, viewer.id, viewer);
  }, [viewer]);
  const { type, mayOperate = false } = viewer ?? rights ?? {};
  const isAdmin = type === userTypes.admin;
  return {
    status,
    userId: userId ?? pausedUserId,
    viewer,
    failure: failureReason,
    isAdmin,
    mayOperate,
    pausedUserId,
    end,
  };
}
