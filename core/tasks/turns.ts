interface TurnsOptions {
  /** How many pieces of work may run now, at least 1. */
  limit: () => number;
  /** Returns the error that rejects further work while this many wait; by default, all work waits. */
  rejection?: (waiting: number) => Error | undefined;
}

/** Lets a limited number of pieces of work run at a time, first come first served. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** How many pieces of work run, and how many wait. */
  get counts(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  /** Runs work when it is its turn. Throws the rejection, if there is one. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const rejection = this.#options.rejection?.(this.#waiting.length);
    if (rejection !== undefined) throw rejection;
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#begin();
    await turn;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#begin();
    }
  }

  #begin(): void {
    const limit = this.#options.limit();
    while (this.#running < limit) {
      const begin = this.#waiting.shift();
      if (begin === undefined) return;
      this.#running += 1;
      begin();
    }
  }
}

/** Turns for each key, for example for each account. */
export class KeyedTurns {
  readonly #options: TurnsOptions;
  readonly #turns = new Map<string, Turns>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Runs work when it is the key's turn. Throws the rejection, if there is one. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    let turns = this.#turns.get(key);
    if (turns === undefined) this.#turns.set(key, (turns = new Turns(this.#options)));
    try {
      return await turns.run(work);
    } finally {
      const { running, waiting } = turns.counts;
      if (running + waiting === 0) this.#turns.delete(key);
    }
  }
}
