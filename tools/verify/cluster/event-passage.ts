import type { EventFault } from "../faults/kinds.ts";
import type { EventLine } from "../history.ts";
import type { Random } from "../random.ts";
import { NatsFrames, type NatsFrame } from "./nats-frames.ts";
import type { Passage } from "./tcp-proxy.ts";

/** An event as it was seen on its way to NATS. */
export type SeenEvent = Pick<EventLine, "id" | "type" | "producer" | "position">;

/** The share of the events that a fault affects. */
const faultShare = 0.4;
const maxDelayMs = 2_500;
/** A reordered event waits for at most this many later events, and at most `maxHoldMs`. */
const maxOvertaken = 4;
const maxHoldMs = 800;

/**
 * Drops, duplicates, delays and reorders the broker events on their way from the nodes to NATS.
 * Requests, responses and heartbeats pass unchanged.
 */
export class EventPassage {
  readonly #random: Random;
  readonly #onEvent: (event: SeenEvent) => void;
  readonly #affected = new Map<EventFault, number>();

  constructor(random: Random, onEvent: (event: SeenEvent) => void) {
    this.#random = random;
    this.#onEvent = onEvent;
  }

  /** Begins a fault, which affects a share of the events until `end`. */
  begin(fault: EventFault): void {
    this.#affected.set(fault, 0);
  }

  /** Ends a fault. Returns the number of affected events. */
  end(fault: EventFault): number {
    const affected = this.#affected.get(fault) ?? 0;
    this.#affected.delete(fault);
    return affected;
  }

  /** Returns the passage of one connection. */
  open(): Passage {
    const frames = new NatsFrames();
    const held = new Set<(passed: number) => void>();
    return (bytes, send) => {
      for (const frame of frames.push(bytes)) {
        if (!isEvent(frame)) {
          send(frame.bytes);
          continue;
        }
        this.#report(frame);
        this.#pass(frame.bytes, send, held);
        for (const letPass of held) letPass(1);
      }
    };
  }

  #pass(bytes: Buffer, send: (bytes: Buffer) => void, held: Set<(passed: number) => void>): void {
    if (this.#affects("drop")) return;
    if (this.#affects("double")) setTimeout(send, this.#random.int(0, maxHoldMs), bytes);
    if (this.#affects("delay")) {
      setTimeout(send, this.#random.int(50, maxDelayMs), bytes);
      return;
    }
    if (!this.#affects("reorder")) {
      send(bytes);
      return;
    }
    let remaining = this.#random.int(1, maxOvertaken);
    const letPass = (passed: number) => {
      remaining -= passed;
      // The event itself counts as the first one.
      if (remaining >= 0) return;
      held.delete(letPass);
      clearTimeout(timer);
      send(bytes);
    };
    const timer = setTimeout(letPass, maxHoldMs, Infinity);
    held.add(letPass);
  }

  #affects(fault: EventFault): boolean {
    const affected = this.#affected.get(fault);
    if (affected === undefined || !this.#random.chance(faultShare)) return false;
    this.#affected.set(fault, affected + 1);
    return true;
  }

  #report({ payload }: NatsFrame): void {
    const packet = JSON.parse(payload?.toString("utf8") ?? "{}") as { data?: Partial<SeenEvent> };
    const { id, type, producer, position } = packet.data ?? {};
    if (id === undefined || type === undefined) return;
    if (producer === undefined || position === undefined) return;
    this.#onEvent({ id, type, producer, position });
  }
}

/** Whether a frame is an event packet of Moleculer: `MOL-<namespace>.EVENT.<node>`, `MOL-<namespace>.EVENTB.<group>.<event>`. */
function isEvent({ subject }: NatsFrame): boolean {
  return subject !== undefined && /\.EVENTB?\./.test(subject);
}
