/** How far a consumer has applied the log of a producer. */
export interface ConsumerProgress {
  consumer: string;
  /** Of an unavailable consumer, the position of its last read. */
  position: number;
  /** The number of events that the consumer has not applied yet; null if the log was set back. */
  behind: number | null;
  /** The age of the oldest of them in seconds; 0 without one, null if the log was set back. */
  lagSeconds: number | null;
  /** The time of the last read: ISO 8601, UTC. */
  seenAt: string;
}

/** The log of a producer, and its consumers. */
export interface LogProgress {
  producer: string;
  /** The position of the newest event. */
  head: number;
  consumers: ConsumerProgress[];
}

/** Why the feed of a node applies nothing. */
export type HaltReason = "retrying" | "unknown_type" | "set_back";

/** The state of a consumer's feed of one producer, as the answering node sees it. */
export interface FeedState {
  producer: string;
  position: number;
  halted: HaltReason | null;
  deadLetters: number;
}

/** A dead letter for the operators of a gateway. Times are ISO 8601, UTC. */
export interface DeadLetterEntry {
  /** The id of the event. */
  id: string;
  producer: string;
  type: string;
  version: number;
  position: number;
  /** The order, product or user of the event. */
  entityId: string | null;
  reason: string;
  occurredAt: string;
  /** When the event became a dead letter. */
  at: string;
  /** The data of the event as JSON, or the beginning of it. */
  payload: string;
  payloadIsCut: boolean;
}

/** The result of `redriveDeadLetters`. */
export interface RedrivenDeadLetters {
  redriven: number;
  /** Dead letters that still fail. */
  failed: number;
  /** Whether dead letters remain that this call has not tried. */
  more: boolean;
}
