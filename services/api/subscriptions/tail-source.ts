import type { LogHead, LogSlice, SliceQuery } from "../../../core/log-slice.ts";

/** An event of the log, as subscriptions need it. */
export interface TailEvent {
  /** Undefined if a producer of an older version has sent the event in a slice. */
  id?: string | undefined;
  position: number;
  type: string;
  version: number;
  data: Record<string, unknown>;
}

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
