import { useSyncExternalStore } from "react";
import { useShopQuery } from "../api/use-shop.ts";
import { sessionState, subscribeToSession } from "./session-store.ts";
import { ViewerDocument, type ViewerQuery } from "./session.graphql.ts";

/** The account of the signed-in user. */
export type Viewer = NonNullable<ViewerQuery["me"]>;

/** `loading` until the shop has told who the signed-in user is. */
type SessionStatus = "anonymous" | "loading" | "signed-in";

/** Who is signed in, with the rights that decide what the console shows. */
export interface Session {
  status: SessionStatus;
  viewer: Viewer | undefined;
  isAdmin: boolean;
  /** An admin who may also watch and repair the cluster. */
  mayOperate: boolean;
  /** The shop has ended the session, for example after a change of the password. */
  hasEnded: boolean;
}

/** Returns who is signed in. */
export function useSession(): Session {
  const { userId, hasEnded } = useSyncExternalStore(subscribeToSession, sessionState);
  const isSignedIn = userId !== undefined;
  const { data } = useShopQuery(ViewerDocument, {}, { enabled: isSignedIn });
  const viewer = isSignedIn ? (data?.me ?? undefined) : undefined;
  const status = !isSignedIn ? "anonymous" : viewer === undefined ? "loading" : "signed-in";
  const isAdmin = viewer?.type === 1;
  return { status, viewer, isAdmin, mayOperate: viewer?.mayOperate === true, hasEnded };
}
