import type { Context, ServiceSchema } from "moleculer";
import type { Sequelize, Transaction } from "sequelize";
import type { Meta } from "../core/access.ts";
import type { Contract, DataOf, Effect, EventEnvelope } from "../core/contract.ts";
import type { ConsumerOptions } from "../core/define-service.ts";
import type { ConstraintErrors } from "../database/errors/database-errors.ts";
import type * as idempotency from "../database/idempotency.ts";
import type { Query } from "../database/statements/prepared-statements.ts";
import type { KnownServer } from "../database/statements/server-sessions.ts";
import type { LogStart, RecordedEvent } from "../event-log/event-log.ts";
import type { ServedTable } from "./table-actions.mixin.ts";

/** The transaction of a use case. */
export interface UnitOfWork<
  Events extends Contract["events"],
  Models = unknown,
> extends Effect<Events> {
  models: Models;
  /** Must be passed to statements of models; without it, they run outside the transaction. */
  transaction: Transaction;
}

/** The database of one service, which no other service accesses. */
export interface Database<Models, Events extends Contract["events"]> {
  /** Connects and migrates before the service is announced, maintains the event log, disconnects at stop. */
  mixin: Partial<ServiceSchema>;
  /**
   * Runs a use case in one transaction (READ COMMITTED) and appends its events to the log. The use
   * case must not call other services. It runs again if the connection ends before the commit.
   * Throws the client errors of the use case and of violated constraints, SERVICE_UNAVAILABLE, or
   * the error of the database.
   */
  transaction: <Result>(
    useCase: (work: UnitOfWork<Events, Models>) => Promise<Result>,
  ) => Promise<Result>;
  /** Runs a statement of a model outside a transaction. Throws the same errors. */
  withModels: <Result>(work: (models: Models) => Promise<Result>) => Promise<Result>;
  /** Runs a statement with bound parameters outside a transaction. Throws the same errors. */
  query: Query;
  /**
   * Runs a use case of one transaction for a call that may have an `Idempotency-Key`. The
   * transaction stores the answer, and a duplicate request returns it without a second effect.
   * Throws IDEMPOTENCY_MISMATCH or IDEMPOTENCY_IN_PROGRESS.
   */
  idempotent: <Result>(
    ctx: Pick<Context<unknown, Meta>, "caller" | "meta" | "params" | "action">,
    useCase: (database: Database<Models, Events>) => Promise<Result>,
  ) => Promise<Result>;
  /** The idempotent request that the transactions belong to; undefined for a request without a key. */
  request: idempotency.IdempotentRequest | undefined;
  /**
   * Returns an id for a new row. Duplicate requests with a key get the same id. `atMs` is the time of
   * a row that was created in the past, in ms since 1970.
   */
  newId: (atMs?: number) => Promise<string>;
  /** Discards an id of `newId` that no row will ever have. The next `newId` returns another one. */
  dropId: (id: string) => Promise<void>;
  /** Creates an event for a statement that calls `append_events_chained` itself. */
  newEvent: <Type extends keyof Events & string>(
    type: Type,
    data: DataOf<Events[Type]>,
  ) => RecordedEvent;
  /** Emits events that such a statement has committed, in the order in which it appended them. */
  emitFrom: (start: LogStart, events: readonly RecordedEvent[]) => void;
  /**
   * Returns the PostgreSQL server and the time, for a later statement that must run in a session
   * which was open on this server before. Undefined if the server is not known.
   */
  knownServer: () => KnownServer | undefined;
  /** Calls a function with each event that this node has committed, for example to count it. */
  onCommitted: (listener: (event: EventEnvelope) => void) => void;
  /** Consumes the events of other services in this database. */
  consumer: (options: ConsumerOptions) => Partial<ServiceSchema>;
}

export interface DatabaseOptions<Models> {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  url: string;
  /** The folder of the SQL migrations, which are applied in the order of their names. */
  migrations: URL;
  /** Defines the Sequelize models of the service. */
  models?: (sequelize: Sequelize) => Models;
  /** The table that `<service>.db.find` and the other moleculer-db actions read. */
  table?: (models: Models) => ServedTable;
  /** The client errors of violated constraints, by the name of the constraint. */
  constraints?: ConstraintErrors;
}
