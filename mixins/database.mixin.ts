import type { ActionSchema, ServiceBroker, ServiceSchema } from "moleculer";
import type { Sequelize } from "sequelize";
import type { Config } from "../config/config.ts";
import { retryPolicy, type Contract, type EventEnvelope } from "../core/contract.ts";
import { commonErrors, hasCode, isClientError } from "../core/errors.ts";
import { newId } from "../core/ids/ids.ts";
import { instrumentsOf, type Family } from "../core/metrics/instruments.ts";
import type { Counter } from "../core/metrics/series.ts";
import { PeriodicTask } from "../core/tasks/periodic-task.ts";
import { traceparent } from "../core/tracing/trace.ts";
import {
  hasStoodStill,
  isConnectionLost,
  clientErrorOrFault,
  wasNotSent,
} from "../database/errors/database-errors.ts";
import {
  databaseProblemOf,
  untilConnected,
  type NamedDatabase,
} from "../database/errors/database-problem.ts";
import { outageLog } from "../database/errors/outage-log.ts";
import * as idempotency from "../database/idempotency.ts";
import { migrate } from "../database/migrator/migrate.ts";
import { openSequelize } from "../database/sequelize.ts";
import { DatabaseMetrics } from "../database/statements/database-metrics.ts";
import { preparedOn, type Query } from "../database/statements/prepared-statements.ts";
import { ServerSessions } from "../database/statements/server-sessions.ts";
import { WriteState } from "../database/write-state.ts";
import { logActions } from "../event-log/event-log.actions.ts";
import { EventLog, withPositions, type RecordedEvent } from "../event-log/event-log.ts";
import { logMetrics } from "../event-log/log-metrics.ts";
import type { UnitOfWork, Database, DatabaseOptions } from "./database-types.ts";
import { eventConsumer } from "./event-consumer.mixin.ts";
import { tableActions } from "./table-actions.mixin.ts";

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
  const sessions = new ServerSessions(sequelize);
  const query: Query = (sql, bind) => withClientErrors(() => prepared(sql, bind));
  let broker: ServiceBroker | undefined;
  const writes = new WriteState(query);
  const logOutage = outageLog(contract.name, () => broker);
  let replays: Family<"action", Counter> | undefined;
  const listeners: ((event: EventEnvelope) => void)[] = [];
  const report = (task: string) => (fault: unknown) => {
    broker?.logger.error(`${task} of ${contract.name} failed.`, fault);
  };
  const log = new EventLog({
    sequelize,
    keepMs: config.eventLogKeepMs,
    onFault: report("Pruning the event log"),
  });
  const keys = new PeriodicTask(
    pruneKeysEveryMs,
    () => idempotency.pruneKeys(query),
    report("Pruning the idempotency keys"),
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
      ready: readyAction(writes),
    },
    created(this: { broker: ServiceBroker }) {
      broker = this.broker;
      const instruments = instrumentsOf(broker);
      DatabaseMetrics.add(sequelize, contract.name, instruments);
      writes.addMetrics(broker, contract.name);
      replays = instruments.counters(
        "shop_idempotency_replays_total",
        "Requests that got the stored answer of their idempotency key",
        ["action"],
      );
      const hasEvents = Object.keys(contract.events).length > 0;
      if (hasEvents) logMetrics(instruments, broker, query, contract.name);
    },
    async started(this: { logger: ServiceBroker["logger"] }) {
      try {
        const warn = (message: string) => {
          this.logger.warn(message);
        };
        await migrate(sequelize, options.migrations, { warn });
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
      logOutage(error);
      writes.note(error);
      throw clientErrorOrFault(error, options.constraints ?? {});
    }
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
        // It ends, for example, while a slow process computes between two statements.
        const isUndone =
          hasStoodStill(error) || wasNotSent(error) || (!isAtCommit && isConnectionLost(error));
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
    newId: async (atMs) => newId(atMs),
    dropId: async () => undefined,
    newEvent: (type, data) => newEvent(contract, type, data, undefined),
    emitFrom(place, events) {
      withPositions(events, place).forEach(emit);
    },
    knownServer: () => sessions.known(),
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
      async newId(atMs) {
        return (subject = await idempotency.subjectOf(query, request, newId(atMs)));
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
    // The series begins at 0, before the first replay: `rate` ignores its first sample.
    const replaysOfAction = replays?.of({ action: ctx.action?.name ?? "" });
    const replayed = ({ answer }: idempotency.StoredAnswer) => {
      replaysOfAction?.add();
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
      // A rejected anonymous request stores no key, because such callers can invent any number. A late
      // duplicate of it can take effect.
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
    retryPolicy: retryPolicy,
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
