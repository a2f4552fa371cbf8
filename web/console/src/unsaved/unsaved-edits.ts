import { createContext, use, useEffectEvent, useLayoutEffect, useSyncExternalStore } from "react";

/** The dialog around a form, by which its edits are told apart from those of the page below. */
export const EditScope = createContext<object | undefined>(undefined);

interface Editor {
  /** The dialog that it is in. */
  scope: object | undefined;
  isUnsaved: () => boolean;
}

/** The forms and the like that are on the page. */
const editors = new Set<Editor>();

function warnOfUnload(event: BeforeUnloadEvent): void {
  if (hasUnsavedEdits()) event.preventDefault();
}

/** A permanent listener would keep browsers from restoring any page at once after "back". */
function watchUnload(): void {
  if (editors.size > 0) window.addEventListener("beforeunload", warnOfUnload);
  else window.removeEventListener("beforeunload", warnOfUnload);
}

/**
 * Says that a component may have edits that would be lost with it. While it has, the browser asks before
 * the tab is closed, and the console asks before it leaves the page or closes the dialog.
 */
export function useUnsavedEdits(isUnsaved: () => boolean): void {
  const scope = use(EditScope);
  const check = useEffectEvent(isUnsaved);
  // A layout effect, because a redirect navigates in one when the form has just left the page.
  useLayoutEffect(() => {
    const editor = { scope, isUnsaved: () => check() };
    editors.add(editor);
    watchUnload();
    return () => {
      editors.delete(editor);
      watchUnload();
    };
  }, [scope]);
}

/** Set while the consequences of a saving take place. */
let isSaved = false;

/** Does what follows a successful mutation: to leave its form needs no question. */
export function withoutQuestion(work: () => void): void {
  isSaved = true;
  try {
    work();
  } finally {
    isSaved = false;
  }
}

/** Tells whether there are unsaved edits: in a dialog, or anywhere. */
export function hasUnsavedEdits(scope?: object): boolean {
  if (isSaved) return false;
  const inScope = [...editors].filter((editor) => scope === undefined || editor.scope === scope);
  return inScope.some(({ isUnsaved }) => isUnsaved());
}

/** Forgets all edits, without a question. */
export function discardEdits(): void {
  editors.clear();
  watchUnload();
}

interface Question {
  answer: (isDiscarding: boolean) => void;
}

let question: Question | undefined;
const listeners = new Set<() => void>();

function setQuestion(next: Question | undefined): void {
  question = next;
  for (const listener of listeners) listener();
}

/**
 * Asks the user whether the unsaved edits may be lost, and forgets them if they may. Returns true at once
 * if there are none.
 */
export async function mayDiscardEdits(scope?: object): Promise<boolean> {
  if (!hasUnsavedEdits(scope)) return true;
  // For example, "back" is pressed while the question is open.
  question?.answer(false);
  const isDiscarding = await new Promise<boolean>((resolve) => {
    const asked = {
      answer(is: boolean) {
        if (question === asked) setQuestion(undefined);
        resolve(is);
      },
    };
    setQuestion(asked);
  });
  if (isDiscarding && scope === undefined) discardEdits();
  return isDiscarding;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns the question that is open. */
export function useQuestion(): Question | undefined {
  return useSyncExternalStore(subscribe, () => question);
}
