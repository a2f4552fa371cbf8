import type { Client } from "pg";
import type { Sequelize } from "sequelize";

/** The PostgreSQL server of a database, as a node knows it at a moment. */
export interface KnownServer {
  /** The value of `shop.server` in the sessions of this server. */
  server: string;
  /** By `performance.now()`. */
  atMs: number;
}

/** The used part of pg's client. */
export type DatabaseSession = Pick<Client, "query"> & {
  /** The process id that the server sent when the connection opened. */
  processID?: number | null;
};

/**
 * Marks the sessions of a database with two settings that statements read:
 * - `shop.server` identifies the running server. Equal values mean one WAL.
 * - `shop.opened_ms` is a time of this process at which the session was open.
 *
 * A session ends when its server crashes. So a session that was open before a moment has the WAL of
 * that moment, and its next commit that waits for the disk also makes all commits before it durable,
 * in all databases of the server.
 */
export class ServerSessions {
  #server: string | undefined;

  constructor(sequelize: Sequelize) {
    sequelize.addHook("afterConnect", async (session) => {
      this.#server = await markSession(session as DatabaseSession);
    });
  }

  /** Returns the server of the newest session and the time; undefined for a session without a mark. */
  known(): KnownServer | undefined {
    if (this.#server === undefined) return undefined;
    return { server: this.#server, atMs: performance.now() };
  }
}

/** Marks a session that was just opened. Returns the server; undefined if the session gets no mark. */
export async function markSession(session: DatabaseSession): Promise<string | undefined> {
  const openedMs = performance.now();
  try {
    const { rows } = await session.query<{ server: string }>(
      // A copy of a server has its system identifier, so the start and the address count, too. A
      // pooler makes up process ids; a session behind it may move to another server.
      `SELECT set_config('shop.opened_ms', $2, false),
         set_config('shop.server', concat_ws('/', system_identifier,
           extract(epoch FROM pg_postmaster_start_time()),
           inet_server_addr(), inet_server_port()), false) AS server
       FROM pg_control_system() WHERE pg_backend_pid() = $1`,
      [session.processID, String(openedMs)],
    );
    return rows[0]?.server;
  } catch {
    // For example, the user may not read `pg_control_system()`. Without a mark, all commits wait.
    return undefined;
  }
}
