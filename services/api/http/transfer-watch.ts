/** How often it is looked which transfer is too slow. */
const lookEveryMs = 500;

/** A body that is being received, or an answer that is being read. */
export interface Transfer {
  /** By when it has to be done, or to have gone on; on the clock of `performance.now`. */
  endsAtMs: number;
  /** Ends it. */
  cut: () => void;
}

/** Cuts transfers that are too slow, with one timer for all of them. */
export class TransferWatch {
  readonly #transfers = new Set<Transfer>();
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => {
      this.look(performance.now());
    }, lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  add(transfer: Transfer): void {
    this.#transfers.add(transfer);
  }

  done(transfer: Transfer): void {
    this.#transfers.delete(transfer);
  }

  /** Cuts what should have been done by now. */
  look(now: number): void {
    for (const transfer of this.#transfers) {
      if (transfer.endsAtMs > now) continue;
      this.#transfers.delete(transfer);
      transfer.cut();
    }
  }
}
