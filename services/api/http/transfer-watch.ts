const checkEveryMs = 500;

/** A body that is being received, or a response that is being read. */
export interface Transfer {
  /** Deadline for completion or progress, on the clock of `performance.now`. */
  endsAtMs: number;
  /** Aborts the transfer. */
  cut: () => void;
}

/** Cuts transfers that are too slow, with one timer for all transfers. */
export class TransferWatch {
  readonly #transfers = new Set<Transfer>();
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => {
      this.look(performance.now());
    }, checkEveryMs);
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

  /** Cuts transfers whose deadline has passed. */
  look(now: number): void {
    for (const transfer of this.#transfers) {
      if (transfer.endsAtMs > now) continue;
      this.#transfers.delete(transfer);
      transfer.cut();
    }
  }
}
