import { useEffect, useState, type RefObject } from "react";

/** Returns true while the user points into an element or has the focus in it. */
export function useIsHeld(ref: RefObject<HTMLElement | null>): boolean {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const listening = new AbortController();
    const update = () => {
      setHeld(element.matches(":hover, :focus-within"));
    };
    for (const event of ["pointerenter", "pointerleave", "focusin", "focusout"]) {
      // The focus is in the next element only after the event.
      element.addEventListener(event, () => setTimeout(update), { signal: listening.signal });
    }
    return () => {
      listening.abort();
    };
  }, [ref]);
  return isHeld;
}
