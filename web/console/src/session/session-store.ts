import { isOutcomeUnknown } from "../api/lost-answer.ts";
import { queryClient } from "../api/query-client.ts";
import { hasUnsavedEdits } from "../unsaved/unsaved-edits.ts";
import { knownRights, type Rights } from "./known-rights.ts";
import { hasSignedOut, sessionKey, signedInUser } from "./token-store.ts";

/** A change that ends all sessions of its user. */
type EndingChange = "password" | "everywhere";

/**
 * Why nobody is signed in any more. Such a change can be the reason if its outcome is unknown; `ended`
 * stands for all other ends by the shop.
 */
export type SessionEnd = "ended" | EndingChange | "signed-out-elsewhere";

/** Who is signed in, in this tab or another one. */
interface SessionState {
  userId: string | undefined;
  /** The rights that the user had last; undefined if they are not known. */
  rights: Rights | undefined;
  /** Undefined if the user is signed in, has signed out in this tab, or was never signed in. */
  end: SessionEnd | undefined;
  /**
   * Whose unsaved edits the page has after the end of the session. What the page shows stays until this
   * user signs in again, or does not want the edits.
   */
  pausedUserId: string | undefined;
}

/** The key of the change whose outcome is unknown: this tab knows it also after a reload. */
const unansweredKey = "shop-console-ending-change";

function unansweredChange(): EndingChange | undefined {
  const stored = sessionStorage.getItem(unansweredKey);
  return stored === "password" || stored === "everywhere" ? stored : undefined;
}

function forgetChange(): void {
  sessionStorage.removeItem(unansweredKey);
}

/**
 * Sends a change that ends all sessions. If it gets no answer, its repetition is rejected with
 * `UNAUTHENTICATED`, because the first request has ended the session: then the page says so.
 */
export async function sendEndingChange<Result>(
  change: EndingChange,
  send: () => Promise<Result>,
): Promise<Result> {
  // The end of the session can be noticed before the answer comes.
  sessionStorage.setItem(unansweredKey, change);
  try {
    const result = await send();
    forgetChange();
    return result;
  } catch (error) {
    if (!isOutcomeUnknown(error)) forgetChange();
    throw error;
  }
}

function readState(end: SessionEnd | undefined): SessionState {
  const userId = signedInUser(localStorage);
  const rights = knownRights(localStorage, userId);
  return {
    userId,
    rights,
    end: userId === undefined ? end : undefined,
    pausedUserId: undefined,
  };
}

let state = readState(undefined);
const listeners = new Set<() => void>();

/**
 * Reads who is signed in, after a change in this tab or another one.
 *
 * @param end why nobody is signed in, unless the user has signed out in this tab
 */
export function updateSession(end?: SessionEnd): void {
  const { userId: formerId, pausedUserId = formerId, rights } = state;
  const next = readState(end === "ended" ? (unansweredChange() ?? end) : end);
  if (next.userId !== undefined) forgetChange();
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
    updateSession(endElsewhere(key));
  });
}

/** Returns why another tab has removed the session: a cleared storage does not say it. */
function endElsewhere(key: string | null): SessionEnd | undefined {
  if (key === null) return undefined;
  return hasSignedOut(localStorage) ? "signed-out-elsewhere" : "ended";
}

export function subscribeToSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function sessionState(): SessionState {
  return state;
}
