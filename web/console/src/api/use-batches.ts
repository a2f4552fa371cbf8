import { useEffect, useEffectEvent, useRef } from "react";

/** The interval at which events are shown together: otherwise each one would render the page. */
const showEveryMs = 1_000;

/**
 * Collects events and hands them over together. An event after a pause is handed over at once.
 *
 * @returns the function that takes an event
 */
export function useBatches<Event>(onBatch: (events: readonly Event[]) => void) {
  const waiting = useRef<Event[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const lastMs = useRef(-showEveryMs);
  const handOver = useEffectEvent(() => {
    timer.current = undefined;
    lastMs.current = performance.now();
    onBatch(waiting.current.splice(0));
  });
  const show = useRef<() => void>(undefined);
  useEffect(() => {
    show.current = () => {
      handOver();
    };
    return () => {
      clearTimeout(timer.current);
    };
  }, []);
  return (event: Event) => {
    waiting.current.push(event);
    const delayMs = Math.max(0, lastMs.current + showEveryMs - performance.now());
    timer.current ??= setTimeout(() => show.current?.(), delayMs);
  };
}
