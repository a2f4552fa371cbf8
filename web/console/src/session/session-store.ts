import { queryClient } from "../api/query-client.ts";
import { hasUnsavedEdits } from "../unsaved/unsaved-edits.ts";
import { knownRights, type Rights } from "./known-rights.ts";
import { sessionKey, signedInUser } from "./token-store.ts";

/** Who is signed in, in this tab or another one. */
interface SessionState {
  userId: string | undefined;
  /** The rights that the user had last; undefined if they are not known. */
  rights: Rights | undefined;
  /** The shop has ended the session: the user did not sign out. */
  hasEnded: boolean;
  /**
   * Whose unsaved edits the page has after the end of the session. What the page shows stays until this
   * user signs in again, or does not want the edits.
   */
  pausedUserId: string | undefined;
}

function readState(hasEnded: boolean): SessionState {
  const userId = signedInUser(localStorage);
  const rights = knownRights(localStorage, userId);
  return {
    userId,
    rights,
    hasEnded: hasEnded && userId === undefined,
    pausedUserId: undefined,
  };
}

let state = readState(false);
const listeners = new Set<() => void>();

/** Reads who is signed in, after a change in this tab or another one. */
export function updateSession(hasEnded = false): void {
  const { userId: formerId, pausedUserId = formerId, rights } = state;
  const next = readState(hasEnded);
  const isPaused = next.userId === undefined && pausedUserId !== undefined && hasUnsavedEdits();
  const isSameUser = next.userId !== undefined && next.userId === pausedUserId;
  state = isPaused ? { ...next, rights, pausedUserId } : next;
  for (const listener of listeners) listener();
  if (isPaused) return;
  // What one user has read is not shown to another one.
  if (isSameUser) void queryClient.invalidateQueries();
  else void queryClient.resetQueries();
}

/**
 * Follows the sign-ins and sign-outs of other tabs.
 *
 * @param onChange called before the pages of this tab learn of the other user
 */
export function followOtherTabs(onChange: () => void): void {
  window.addEventListener("storage", ({ key }) => {
    // A cleared storage has no key. A renewed token changes the key's value, but not the user.
    const isSession = key === sessionKey || key === null;
    if (!isSession || signedInUser(localStorage) === state.userId) return;
    onChange();
    updateSession();
  });
}

export function subscribeToSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function sessionState(): SessionState {
  return state;
}
