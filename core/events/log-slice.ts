/** The end of an event log, and the key that encrypts its positions for clients. */
export interface LogHead {
  /** The position of the newest entry. */
  head: number;
  /** 32 bytes in hexadecimal digits, the same as long as the log exists. */
  cursorKey: string;
}

/** An event of a slice. */
export interface SliceEvent {
  /** Absent if a node of an older version has read the slice. */
  id?: string | undefined;
  position: number;
  type: string;
  version: number;
  data: Record<string, unknown>;
}

/** The events of some types in a part of a log. */
export interface LogSlice {
  /** In the order of their positions. */
  events: SliceEvent[];
  /** All matching events up to this position are in the slice. */
  readTo: number;
  /** The position of the newest entry when the slice was read. */
  head: number;
  /** Entries up to this position are pruned. */
  prunedTo: number;
  /**
   * The id of the event at the position of the query. Null without one, or if it is pruned. Absent if
   * a node of an older version has read the slice.
   */
  previousId?: string | null;
}

/** Which events a slice contains. */
export interface SliceQuery {
  /** The position after which the slice begins. */
  position: number;
  types: string[];
  /** Fields of an event's data, with the values that they must have. */
  match?: Record<string, string>;
}
