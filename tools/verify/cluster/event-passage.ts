import type { EventFault } from "../faults/kinds.ts";
import type { EventLine } from "../history.ts";
import type { Random } from "../random.ts";
import { NatsFrames, type NatsFrame } from "./nats-frames.ts";
import type { Passage } from "./tcp-proxy.ts";

/** An event as it was seen on its way. */
export type SeenEvent = Pick<EventLine, "id" | "type" | "producer" | "position">;

/** Of the events that pass while a fault lasts, this share is struck. */
const struckShare = 0.4;
const maxDelayMs = 2_500;
/** An event to be overtaken waits for so many others at most, and not longer than this. */
const maxOvertaken = 4;
const maxHoldMs = 800;

/**
 * The way of broker events from the nodes to NATS, on which they can be dropped, doubled, delayed
 * and reordered. Requests, answers and heartbeats pass untouched.
 */
export class EventPassage {
  readonly #random: Random;
  readonly #onEvent: (event: SeenEvent) => void;
  readonly #struck = new Map<EventFault, number>();

  constructor(random: Random, onEvent: (event: SeenEvent) => void) {
    this.#random = random;
    this.#onEvent = onEvent;
  }

  begin(fault: EventFault): void {
    this.#struck.set(fault, 0);
  }

  /** Gives how many events it has struck. */
  end(fault: EventFault): number {
    const struck = this.#struck.get(fault) ?? 0;
    this.#struck.delete(fault);
    return struck;
  }

  /** The way of one connection. */
  open(): Passage {
    const frames = new NatsFrames();
    const held = new Set<(passed: number) => void>();
    return (bytes, send) => {
      for (const frame of frames.push(bytes)) {
        if (!isEvent(frame)) {
          send(frame.bytes);
          continue;
        }
        this.#note(frame);
        this.#pass(frame.bytes, send, held);
        for (const letPass of held) letPass(1);
      }
    };
  }

  #pass(bytes: Buffer, send: (bytes: Buffer) => void, held: Set<(passed: number) => void>): void {
    if (this.#strikes("drop")) return;
    if (this.#strikes("double")) setTimeout(send, this.#random.int(0, maxHoldMs), bytes);
    if (this.#strikes("delay")) {
      setTimeout(send, this.#random.int(50, maxDelayMs), bytes);
      return;
    }
    if (!this.#strikes("reorder")) {
      send(bytes);
      return;
    }
    let left = this.#random.int(1, maxOvertaken);
    const letPass = (passed: number) => {
      left -= passed;
      // The event itself counts as the first that passes.
      if (left >= 0) return;
      held.delete(letPass);
      clearTimeout(timer);
      send(bytes);
    };
    const timer = setTimeout(letPass, maxHoldMs, Infinity);
    held.add(letPass);
  }

  #strikes(fault: EventFault): boolean {
    const struck = this.#struck.get(fault);
    if (struck === undefined || !this.#random.chance(struckShare)) return false;
    this.#struck.set(fault, struck + 1);
    return true;
  }

  #note({ payload }: NatsFrame): void {
    const packet = JSON.parse(payload?.toString("utf8") ?? "{}") as { data?: Partial<SeenEvent> };
    const { id, type, producer, position } = packet.data ?? {};
    if (id === undefined || type === undefined) return;
    if (producer === undefined || position === undefined) return;
    this.#onEvent({ id, type, producer, position });
  }
}

/** Moleculer's packets of events: `MOL-<namespace>.EVENT.<node>`, `MOL-<namespace>.EVENTB.<group>.<event>`. */
function isEvent({ subject }: NatsFrame): boolean {
  return subject !== undefined && /\.EVENTB?\./.test(subject);
}
