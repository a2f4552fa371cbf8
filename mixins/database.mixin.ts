import type { ActionSchema, Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { Sequelize, Transaction } from "sequelize";
import { newId } from "../core/ids.ts";
import type { Meta } from "../core/access.ts";
import type { Config } from "../config/config.ts";
import {
  retryPolicy,
  type Contract,
  type DataOf,
  type Effect,
  type EventEnvelope,
} from "../core/contract.ts";
import type { Counter } from "../core/metrics/series.ts";
import { PeriodicTask } from "../core/periodic-task.ts";
import { commonErrors, hasCode, isClientError } from "../core/errors.ts";
import { traceparent } from "../core/trace.ts";
import {
  hasStoodStill,
  isConnectionLost,
  clientErrorOrFault,
  type ConstraintErrors,
} from "../database/database-errors.ts";
import {
  databaseProblemOf,
  untilConnected,
  type NamedDatabase,
} from "../database/database-problem.ts";
import { DatabaseMetrics } from "../database/database-metrics.ts";
import { instrumentsOf, type Family } from "../core/metrics/instruments.ts";
import { logMetrics } from "../event-log/log-metrics.ts";
import { eventConsumer, type ConsumerOptions } from "./event-consumer.mixin.ts";
import { logActions } from "../event-log/event-log.actions.ts";
import { EventLog, withPositions, type RecordedEvent } from "../event-log/event-log.ts";
import * as idempotency from "../database/idempotency.ts";
import { migrate } from "../database/migrate.ts";
import { preparedOn, type Query } from "../database/prepared-statements.ts";
import { openSequelize } from "../database/sequelize.ts";
import { tableActions, type ServedTable } from "./table-actions.mixin.ts";

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
  /** Returns an id for a new row. Duplicate requests with a key get the same id. */
  newId: () => Promise<string>;
  /** Discards an id of `newId` that no row will ever have. The next `newId` returns another one. */
  dropId: (id: string) => Promise<void>;
  /** Creates an event for a statement that calls `append_events` itself. */
  newEvent: <Type extends keyof Events & string>(
    type: Type,
    data: DataOf<Events[Type]>,
  ) => RecordedEvent;
  /** Emits events that such a statement has committed. `firstPosition` belongs to the first event. */
  emitFrom: (firstPosition: number, events: readonly RecordedEvent[]) => void;
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

const pruneKeysEveryMs = 60_000;
/** A transaction is not retried after a longer pause of the process: its caller has timed out. */
const standstillMs = 3_000;

export function openDatabase<Models, Events extends Contract["events"]>(
  contract: Contract<string, Contract["actions"], Events>,
  config: Pick<Config, "databasePoolMax" | "eventLogKeepMs">,
  options: DatabaseOptions<Models>,
): Database<Models, Events> {
  const sequelize = openSequelize(options.url, config.databasePoolMax);
  const models = (options.models?.(sequelize) ?? {}) as Models;
  const prepared = preparedOn(sequelize);
  const query: Query = (sql, bind) => withClientErrors(() => prepared(sql, bind));
  let broker: ServiceBroker | undefined;
  let replays: Family<"action", Counter> | undefined;
  const listeners: ((event: EventEnvelope) => void)[] = [];
  const report = (task: string) => (fault: unknown) => {
    broker?.logger.error(`${task} of ${contract.name} failed`, fault);
  };
  const log = new EventLog({
    sequelize,
    keepMs: config.eventLogKeepMs,
    onFault: report("pruning the event log"),
  });
  const keys = new PeriodicTask(
    pruneKeysEveryMs,
    () => idempotency.pruneKeys(query),
    report("pruning idempotency keys"),
  );

  const named = { service: contract.name, url: options.url };
  const table = options.table?.(models);

  const mixin = {
    // The `started` of either mixin waits for the database before the `started` below runs.
    mixins: [
      table
        ? tableActions(sequelize, table, named, withClientErrors)
        : connection(sequelize, named),
    ],
    actions: {
      ...logActions(query, contract.name),
      ready: readyAction(query),
    },
    created(this: { broker: ServiceBroker }) {
      broker = this.broker;
      const instruments = instrumentsOf(broker);
      DatabaseMetrics.add(sequelize, contract.name, instruments);
      replays = instruments.counters(
        "shop_idempotency_replays_total",
        "Requests that got the stored answer of their idempotency key",
        ["action"],
      );
      const hasEvents = Object.keys(contract.events).length > 0;
      if (hasEvents) logMetrics(instruments, broker, query, contract.name);
    },
    async started() {
      try {
        await migrate(sequelize, options.migrations);
      } catch (error) {
        throw databaseProblemOf(error, named) ?? error;
      }
      log.start();
      keys.start();
    },
    // Runs before the `stopped` of the mixin, which closes the pool.
    async stopped() {
      await Promise.all([log.stop(), keys.stop()]);
    },
  } as unknown as Partial<ServiceSchema>;

  async function withClientErrors<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw clientErrorOrFault(error, options.constraints ?? {});
    }
  }

  /** Emits an event without waiting. If that fails, consumers read the event from the log. */
  function emit(event: EventEnvelope): void {
    for (const listener of listeners) listener(event);
    broker?.emit(event.type, event).catch(report(`emitting ${event.type} ${event.id}`));
  }

  async function transaction<Result>(
    useCase: (work: UnitOfWork<Events, Models>) => Promise<Result>,
  ) {
    let appended: EventEnvelope[] = [];
    let calls: (() => void)[] = [];
    let isAtCommit = false;
    const attempt = () => {
      isAtCommit = false;
      calls = [];
      return sequelize.transaction(async (sqlTransaction) => {
        const recorded: RecordedEvent[] = [];
        const done = await useCase({
          models,
          transaction: sqlTransaction,
          query: preparedOn(sequelize, sqlTransaction),
          record: (type, data, cause) => recorded.push(newEvent(contract, type, data, cause)),
          afterCommit: (call) => calls.push(call),
        });
        appended = await log.append(sqlTransaction, recorded);
        isAtCommit = true;
        return done;
      });
    };
    const begunMs = performance.now();
    const result = await withClientErrors(() =>
      attempt().catch((error: unknown) => {
        // A retry is safe if PostgreSQL rolled back, or if the connection ended before the commit.
        const isUndone = hasStoodStill(error) || (!isAtCommit && isConnectionLost(error));
        if (!isUndone || performance.now() - begunMs > standstillMs) throw error;
        return attempt();
      }),
    );
    appended.forEach(emit);
    for (const call of calls) call();
    return result;
  }

  const database: Database<Models, Events> = {
    mixin,
    withModels: (work) => withClientErrors(() => work(models)),
    query,
    transaction,
    idempotent,
    request: undefined,
    newId: async () => newId(),
    dropId: async () => undefined,
    newEvent: (type, data) => newEvent(contract, type, data, undefined),
    emitFrom(firstPosition, events) {
      withPositions(events, firstPosition).forEach(emit);
    },
    onCommitted: (listener) => listeners.push(listener),
    consumer: (consumerOptions) =>
      eventConsumer(
        { transaction: (apply) => transaction((work) => apply(work as never)), query },
        consumerOptions,
      ),
  };

  /**
   * Returns the database of one idempotent request, and a function that releases its key.
   *
   * @param replayed returns a stored answer
   */
  function databaseOf(
    request: idempotency.IdempotentRequest,
    replayed: (stored: idempotency.StoredAnswer) => unknown,
  ) {
    let subject: string | undefined;
    const requestDatabase: typeof database = {
      ...database,
      request,
      async newId() {
        return (subject = await idempotency.subjectOf(query, request));
      },
      dropId: (id) => idempotency.dropSubject(query, request, id),
      transaction: (useCase) =>
        transaction(async (work) => {
          const stored = await idempotency.claimKey(work.query, request, subject);
          if (stored !== undefined) return replayed(stored) as never;
          const answer = await useCase(work);
          await idempotency.storeAnswer(work.query, request, answer);
          return answer;
        }),
    };
    return {
      requestDatabase,
      releaseKey: () => idempotency.releaseKey(query, request, subject),
    };
  }

  async function idempotent<Result>(
    ctx: Parameters<typeof idempotency.idempotentRequest>[0],
    useCase: (database: Database<Models, Events>) => Promise<Result>,
  ): Promise<Result> {
    const request = idempotency.idempotentRequest(ctx);
    if (request === undefined) return useCase(database);
    const replayed = ({ answer }: idempotency.StoredAnswer) => {
      replays?.of({ action: ctx.action?.name ?? "" }).add();
      return answer as Result;
    };
    const stored = await idempotency.storedAnswer(query, request);
    if (stored !== undefined) return replayed(stored);
    const { requestDatabase, releaseKey } = databaseOf(request, replayed);
    try {
      return await useCase(requestDatabase);
    } catch (error) {
      // A duplicate request may have finished first, or the connection was lost after the commit.
      const answer = await idempotency.storedAnswer(query, request).catch(() => undefined);
      if (answer !== undefined) return replayed(answer);
      // With these errors, the key belongs to another request.
      const isForeignKey =
        hasCode(error, commonErrors.IDEMPOTENCY_IN_PROGRESS) ||
        hasCode(error, commonErrors.IDEMPOTENCY_MISMATCH);
      if (!isClientError(error) || isForeignKey) throw error;
      // No key is stored for a rejected anonymous request: a late duplicate does less harm than a row each.
      if (request.isAnonymous || (await releaseKey())) throw error;
      // A duplicate request has stored its answer in the meantime.
      const late = await idempotency.storedAnswer(query, request);
      if (late === undefined) throw error;
      return replayed(late);
    }
  }

  return database;
}

/** Connects and disconnects the database of a service without moleculer-db's table actions. */
function connection(sequelize: Sequelize, named: NamedDatabase): Partial<ServiceSchema> {
  return {
    async started(this: { logger: ServiceBroker["logger"] }) {
      await untilConnected(() => sequelize.authenticate(), named, this.logger);
    },
    stopped: () => sequelize.close(),
  };
}

/** Defines the readiness check, which answers if the database answers. */
function readyAction(query: Query): ActionSchema {
  const schema = {
    params: { $$strict: true },
    access: "everyone",
    gateway: true,
    retryPolicy: retryPolicy,
    handler: async () => (await query("SELECT 1", [])).length === 1,
  };
  return schema;
}

function newEvent(
  contract: Contract,
  type: string,
  data: unknown,
  cause: EventEnvelope | undefined,
): RecordedEvent {
  const version = contract.events[type]?.version ?? 1;
  const trace = cause ? cause.traceparent : traceparent();
  return {
    id: newId(),
    type,
    version,
    producer: contract.name,
    occurredAt: new Date().toISOString(),
    data,
    ...(trace !== undefined && { traceparent: trace }),
  };
}
