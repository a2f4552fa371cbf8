import { useEffectEvent, useLayoutEffect, useState } from "react";

/** What is typed is applied when nothing has been typed for this time. */
const typingMs = 250;

/**
 * Keeps what is typed until it is applied. Returns what is typed, and the function that changes it.
 *
 * @param value what is applied. If it changes otherwise, for example by the browser's back button, it
 *   replaces what is typed.
 */
export function useDelayed<Value>(
  value: Value,
  onApply: (typed: Value) => void,
): [Value, (typed: Value) => void] {
  const [state, setState] = useState({ typed: value, applied: value });
  if (state.applied !== value) setState({ typed: value, applied: value });
  const { typed } = state;
  const apply = useEffectEvent(() => {
    onApply(typed);
  });
  // Layout effects end when the page is hidden because the next page is still loading; then nothing
  // may be applied any more.
  useLayoutEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(apply, typingMs);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, value]);
  const type = (next: Value) => {
    setState({ typed: next, applied: value });
  };
  return [typed, type];
}
