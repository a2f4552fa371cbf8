import type { ActionSchema, ServiceBroker, ServiceSchema } from "moleculer";
import type { Sequelize, Transaction } from "sequelize";
import type { Config } from "../config/config.ts";
import { retryPolicy, type Contract, type EventEnvelope } from "../core/contract.ts";
import { newId } from "../core/ids/ids.ts";
import { instrumentsOf, type Family } from "../core/metrics/instruments.ts";
import type { Counter } from "../core/metrics/series.ts";
import { periodicFaults } from "../core/tasks/periodic-faults.ts";
import { PeriodicTask } from "../core/tasks/periodic-task.ts";
import { traceparent } from "../core/tracing/trace.ts";
import { clientErrorOrFault } from "../database/errors/database-errors.ts";
import {
  databaseProblemOf,
  untilConnected,
  type NamedDatabase,
} from "../database/errors/database-problem.ts";
import { outageLog } from "../database/errors/outage-log.ts";
import { pruneKeys } from "../database/idempotency.ts";
import { migrate } from "../database/migrator/migrate.ts";
import { openSequelize } from "../database/sequelize.ts";
import { DatabaseMetrics } from "../database/statements/database-metrics.ts";
import { preparedOn, type Query } from "../database/statements/prepared-statements.ts";
import { ServerSessions } from "../database/statements/server-sessions.ts";
import { inTransaction } from "../database/transaction.ts";
import { WriteState } from "../database/write-state.ts";
import { logActions } from "../event-log/event-log.actions.ts";
import { EventLog, withPositions, type RecordedEvent } from "../event-log/event-log.ts";
import { logMetrics } from "../event-log/log-metrics.ts";
import type { UnitOfWork, Database, DatabaseOptions } from "./database-types.ts";
import { eventConsumer } from "./event-consumer.mixin.ts";
import { runIdempotent } from "./idempotent-requests.ts";
import { RequestsInProgress } from "./requests-in-progress.ts";
import { tableActions } from "./table-actions.mixin.ts";

const pruneKeysEveryMs = 60_000;

export function openDatabase<Models, Events extends Contract["events"]>(
  contract: Contract<string, Contract["actions"], Events>,
  config: Pick<Config, "databasePoolMax" | "eventLogKeepMs">,
  options: DatabaseOptions<Models>,
): Database<Models, Events> {
  const sequelize = openSequelize(options.url, config.databasePoolMax);
  const models = (options.models?.(sequelize) ?? {}) as Models;
  const prepared = preparedOn(sequelize);
  const sessions = new ServerSessions(sequelize);
  const query: Query = (sql, bind) => withClientErrors(() => prepared(sql, bind));
  let broker: ServiceBroker | undefined;
  const writes = new WriteState(query);
  const running = new RequestsInProgress();
  const logOutage = outageLog(contract.name, () => broker);
  let replays: Family<"action", Counter> | undefined;
  const listeners: ((event: EventEnvelope) => void)[] = [];
  const report = (task: string) => (fault: unknown) => {
    broker?.logger.error(`${task} of ${contract.name} failed.`, fault);
  };
  const onFault = periodicFaults(contract.name, () => broker?.logger);
  const log = new EventLog({ sequelize, query, keepMs: config.eventLogKeepMs, onFault });
  const keyPruning = new PeriodicTask(pruneKeysEveryMs, () => pruneKeys(query), onFault);

  const named = { service: contract.name, url: options.url };
  const table = options.table?.(models);

  const mixin = databaseMixin({
    contract,
    sequelize,
    query,
    writes,
    named,
    migrations: options.migrations,
    connection: table
      ? tableActions(sequelize, table, named, withClientErrors)
      : connectionMixin(sequelize, named),
    tasks: [log, keyPruning],
    created(ofService) {
      broker = ofService;
      replays = instrumentsOf(broker).counters(
        "shop_idempotency_replays_total",
        "Requests that got the stored answer of their idempotency key",
        ["action"],
      );
    },
  });

  async function withClientErrors<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      logOutage(error);
      writes.recordFault(error);
      throw clientErrorOrFault(error, options.constraints ?? {});
    }
  }

  /** A call that is repeated after most of its time has no time left for its answer. */
  function patienceMs(): number {
    const { requestTimeout = 0 } = broker?.options ?? {};
    return requestTimeout === 0 ? Infinity : 0.75 * requestTimeout;
  }

  /** Emits an event without waiting. If that fails, consumers read the event from the log. */
  function emit(event: EventEnvelope): void {
    for (const listener of listeners) listener(event);
    broker?.emit(event.type, event).catch(report(`Emitting ${event.type} ${event.id}`));
  }

  async function transaction<Result>(
    useCase: (work: UnitOfWork<Events, Models>) => Promise<Result>,
  ) {
    let appended: EventEnvelope[] = [];
    let calls: (() => void)[] = [];
    const work = async (sqlTransaction: Transaction) => {
      calls = [];
      const recorded: RecordedEvent[] = [];
      const result = await useCase({
        models,
        transaction: sqlTransaction,
        query: preparedOn(sequelize, sqlTransaction),
        record: (type, data, cause) => recorded.push(newEvent(contract, type, data, cause)),
        afterCommit: (call) => calls.push(call),
      });
      appended = await log.append(sqlTransaction, recorded);
      return result;
    };
    const result = await withClientErrors(() => inTransaction(sequelize, work, patienceMs()));
    appended.forEach(emit);
    for (const call of calls) call();
    return result;
  }

  const database: Database<Models, Events> = {
    mixin,
    withModels: (work) => withClientErrors(() => work(models)),
    query,
    transaction,
    idempotent: (ctx, useCase) =>
      runIdempotent(database, running, (action) => replays?.of({ action }), ctx, useCase),
    request: undefined,
    newId: async (atMs) => newId(atMs),
    dropId: async () => undefined,
    newEvent: (type, data) => newEvent(contract, type, data, undefined),
    emitFrom(start, events) {
      withPositions(events, start).forEach(emit);
    },
    knownServer: () => sessions.known(),
    onCommitted: (listener) => listeners.push(listener),
    consumer: (consumerOptions) =>
      eventConsumer(
        { transaction: (apply) => transaction((work) => apply(work as never)), query },
        consumerOptions,
      ),
  };

  return database;
}

interface MixinParts {
  contract: Contract;
  sequelize: Sequelize;
  query: Query;
  writes: WriteState;
  named: NamedDatabase;
  migrations: URL;
  /** Connects and disconnects. */
  connection: Partial<ServiceSchema>;
  /** Run from the start of the service to its stop. */
  tasks: readonly { start: () => void; stop: () => Promise<void> }[];
  created: (broker: ServiceBroker) => void;
}

function databaseMixin(parts: MixinParts): Partial<ServiceSchema> {
  const { contract, sequelize, query, writes, tasks } = parts;
  return {
    // Its `started` waits for the database before the `started` below runs.
    mixins: [parts.connection],
    actions: {
      ...logActions(query, contract.name),
      ready: readyAction(writes),
    },
    created(this: { broker: ServiceBroker }) {
      parts.created(this.broker);
      const instruments = instrumentsOf(this.broker);
      DatabaseMetrics.add(sequelize, contract.name, instruments);
      writes.addMetrics(this.broker, contract.name);
      const hasEvents = Object.keys(contract.events).length > 0;
      if (hasEvents) logMetrics(instruments, this.broker, query, contract.name);
    },
    async started(this: { logger: ServiceBroker["logger"] }) {
      const warn = (message: string) => {
        this.logger.warn(message);
      };
      try {
        await migrate(sequelize, parts.migrations, { warn });
      } catch (error) {
        throw databaseProblemOf(error, parts.named) ?? error;
      }
      for (const task of tasks) task.start();
    },
    // Runs before the `stopped` of the mixin, which closes the pool.
    async stopped() {
      await Promise.all(tasks.map((task) => task.stop()));
    },
  };
}

/** Connects and disconnects the database of a service without moleculer-db's table actions. */
function connectionMixin(sequelize: Sequelize, named: NamedDatabase): Partial<ServiceSchema> {
  return {
    async started(this: { broker: ServiceBroker; logger: ServiceBroker["logger"] }) {
      await untilConnected(() => sequelize.authenticate(), named, this);
    },
    stopped: () => sequelize.close(),
  };
}

/** Defines the readiness check, which answers if the database answers, also if it refuses writes. */
function readyAction(writes: WriteState): ActionSchema {
  const schema = {
    params: { $$strict: true },
    access: "everyone",
    gateway: true,
    retryPolicy,
    handler: async () => ({ isReadOnly: await writes.isReadOnly() }),
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
