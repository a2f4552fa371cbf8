import type { LogHead, LogSlice, SliceQuery } from "../../../../core/events/log-slice.ts";

/** A producer's log, and which of its events the tail keeps. */
export interface TailSource {
  /** The types that subscriptions deliver. */
  types: readonly string[];
  /** Returns the fields of an event's data that subscriptions need. */
  kept: (type: string, data: Record<string, unknown>) => Record<string, unknown>;
  /** Both reject while the producer is unavailable. */
  readHead: () => Promise<LogHead>;
  readSlice: (query: SliceQuery) => Promise<LogSlice>;
  onFault: (fault: unknown) => void;
  /** Lets the tail receive the events of the broker, until `unlisten`. */
  listen: () => void;
  unlisten: () => void;
}
