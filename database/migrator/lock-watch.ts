import { QueryTypes, type Sequelize } from "sequelize";

interface Holder {
  pid: number;
  user: string | null;
  name: string;
  state: string | null;
}

/** Finds out who holds the locks that a connection waits for, and says it once for each holder. */
export class LockWatch {
  /** The last holders, as a text. */
  holders: string | undefined;
  readonly #timer: NodeJS.Timeout;
  #isBusy = false;
  #isOver = false;

  /**
   * @param sequelize has another connection for the watch
   * @param pid the PostgreSQL process of the watched connection
   * @param onHolders called with a text when other processes hold the locks than before
   */
  constructor(
    sequelize: Sequelize,
    pid: number,
    everyMs: number,
    onHolders: (holders: string) => void,
  ) {
    this.#timer = setInterval(() => {
      if (this.#isBusy) return;
      this.#isBusy = true;
      holdersOf(sequelize, pid)
        .then((holders) => {
          if (this.#isOver || holders === undefined) return;
          if (holders !== this.holders) onHolders(holders);
          this.holders = holders;
        })
        // The pool has no second connection, or closes. The migration itself shows other faults.
        .catch(() => undefined)
        .finally(() => (this.#isBusy = false));
    }, everyMs);
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }
}

async function holdersOf(sequelize: Sequelize, pid: number): Promise<string | undefined> {
  const rows = await sequelize.query<Holder>(
    `SELECT pid, usename AS user, application_name AS name, state FROM pg_stat_activity
     WHERE pid = ANY (pg_blocking_pids($1)) ORDER BY pid`,
    { bind: [pid], type: QueryTypes.SELECT },
  );
  return rows.length === 0 ? undefined : rows.map(describe).join(", ");
}

/** Describes a connection without the values of its statement. */
function describe({ pid, user, name, state }: Holder): string {
  const parts = [name, user === null ? "" : `user ${user}`, state ?? ""];
  return `PostgreSQL process ${pid} (${parts.filter((part) => part !== "").join(", ")})`;
}
