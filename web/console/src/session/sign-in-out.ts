import type { Schema } from "../../../../clients/typescript/src/index.ts";
import { shop } from "../api/shop.ts";
import { discardEdits } from "../unsaved/unsaved-edits.ts";
import { updateSession } from "./session-store.ts";
import { noteSignOut } from "./token-store.ts";

/** Opens a session. */
export async function signIn(input: Schema.Login): Promise<void> {
  await shop.signIn(input);
  updateSession();
}

/** Opens a session with credentials that the shop has just accepted. Returns false if that fails. */
export async function signInAfter(input: Schema.Login): Promise<boolean> {
  try {
    await signIn(input);
    return true;
  } catch {
    return false;
  }
}

/** Ends the session. If the shop cannot be reached, this browser has nevertheless forgotten it. */
export async function signOut(): Promise<void> {
  // Otherwise the page with the edits would stay, as after the end of a session.
  discardEdits();
  noteSignOut(localStorage);
  try {
    await shop.signOut();
  } finally {
    updateSession();
  }
}
