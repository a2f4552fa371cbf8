import { setTimeout } from "node:timers/promises";
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
import { PeriodicTask } from "../core/periodic-task.ts";
import { commonErrors, hasCode, isClientError } from "../core/errors.ts";
import { traceparent } from "../core/trace.ts";
import {
  hasStoodStill,
  isConnectionLost,
  clientErrorOrFault,
  type ConstraintErrors,
} from "../database/database-errors.ts";
import { eventConsumer, type ConsumerOptions } from "./event-consumer.mixin.ts";
import { logActions } from "../event-log/event-log.actions.ts";
import { EventLog, withPositions, type RecordedEvent } from "../event-log/event-log.ts";
import * as idempotency from "../database/idempotency.ts";
import { migrate } from "../database/migrate.ts";
import { preparedOn, type Query } from "../database/prepared-statements.ts";
import { openSequelize } from "../database/sequelize.ts";
import { tableActions, type ServedTable } from "./table-actions.mixin.ts";

/** What a use case sees of its transaction. */
export interface UnitOfWork<
  Events extends Contract["events"],
  Models = unknown,
> extends Effect<Events> {
  models: Models;
  /** For statements of models: without it, they are outside the transaction. */
  transaction: Transaction;
}

/** The service's own database, and nobody else's. */
export interface Database<Models, Events extends Contract["events"]> {
  /** Connects before the service is announced, and disconnects when it stops; keeps its event log. */
  mixin: Partial<ServiceSchema>;
  /**
   * Runs one use case in one transaction (READ COMMITTED), which ends in the event log.
   * Nothing remote may be called inside, and it runs again when its connection has ended before the
   * commit. Throws the refusals of the use case, and those that
   * stand for broken constraints; else SERVICE_UNAVAILABLE or the database's own error.
   */
  transaction: <Result>(
    useCase: (work: UnitOfWork<Events, Models>) => Promise<Result>,
  ) => Promise<Result>;
  /** Runs one statement of a model outside a transaction, with the same errors. */
  withModels: <Result>(work: (models: Models) => Promise<Result>) => Promise<Result>;
  /** One statement outside a transaction, with bound parameters, with the same errors. */
  query: Query;
  /**
   * Runs a use case of one transaction for a call that may have an `Idempotency-Key`: its answer
   * is kept in that transaction, and an equal call gets it again instead of a second effect.
   * Refuses with IDEMPOTENCY_MISMATCH or IDEMPOTENCY_IN_PROGRESS.
   */
  idempotent: <Result>(
    ctx: Pick<Context<unknown, Meta>, "caller" | "meta" | "params" | "action">,
    useCase: (database: Database<Models, Events>) => Promise<Result>,
  ) => Promise<Result>;
  /** The request that its transactions belong to, where that came with a key. */
  request: idempotency.IdempotentRequest | undefined;
  /** An id for what is about to be made; equal calls with a key get the same one. */
  newId: () => Promise<string>;
  /** Says that nothing will ever be made under an id of `newId`: the next one is another. */
  dropId: (id: string) => Promise<void>;
  /** An event of this service, for a statement that adds it to the log by `append_events`. */
  newEvent: <Type extends keyof Events & string>(
    type: Type,
    data: DataOf<Events[Type]>,
  ) => RecordedEvent;
  /** Emits events that such a statement has committed, the first of them with this position. */
  emitFrom: (firstPosition: number, events: readonly RecordedEvent[]) => void;
  /** Reads the logs of other services, and applies their events in this database. */
  consumer: (consumption: ConsumerOptions) => Partial<ServiceSchema>;
}

export interface DatabaseOptions<Models> {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  url: string;
  /** Folder of the SQL migrations, applied in the order of their names. */
  migrations: URL;
  /** Sequelize's models, where the service has some. */
  models?: (sequelize: Sequelize) => Models;
  /** The table that operators and services can read by `<service>.db.find` and its like. */
  table?: (models: Models) => ServedTable;
  /** Which refusal a broken constraint means, by the constraint's name. */
  constraints?: ConstraintErrors;
}

const pruneKeysEveryMs = 60_000;
const connectEveryMs = 1_000;
/** A process that stood still for longer does not go on with what nobody waits for any more. */
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
  const report = (what: string) => (fault: unknown) => {
    broker?.logger.error(`${what} of ${contract.name} failed`, fault);
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

  const table = options.table?.(models);

  const mixin = {
    // Either one waits until the database answers, before what follows here in `started`.
    mixins: [table ? tableActions(sequelize, table, withClientErrors) : connection(sequelize)],
    actions: {
      ...logActions(query, contract.name),
      ready: readyAction(query),
    },
    created(this: { broker: ServiceBroker }) {
      broker = this.broker;
    },
    async started() {
      await migrate(sequelize, options.migrations);
      log.start();
      keys.start();
    },
    // Before that mixin's `stopped` closes the pool.
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

  /** The log is there for whoever misses it: neither a consumer nor the broker can fail it. */
  function emit(event: EventEnvelope): void {
    broker?.emit(event.type, event).catch(report(`emitting ${event.type} ${event.id}`));
  }

  async function transaction<Result>(
    useCase: (work: UnitOfWork<Events, Models>) => Promise<Result>,
  ) {
    let appended: EventEnvelope[] = [];
    let isAtCommit = false;
    const attempt = () => {
      isAtCommit = false;
      return sequelize.transaction(async (own) => {
        const recorded: RecordedEvent[] = [];
        const done = await useCase({
          models,
          transaction: own,
          query: preparedOn(sequelize, own),
          record: (type, data, cause) => recorded.push(newEvent(contract, type, data, cause)),
        });
        appended = await log.append(own, recorded);
        isAtCommit = true;
        return done;
      });
    };
    const begunMs = performance.now();
    const result = await withClientErrors(() =>
      attempt().catch((error: unknown) => {
        // PostgreSQL says so, or a connection that has ended: what was not committed is undone.
        const isUndone = hasStoodStill(error) || (!isAtCommit && isConnectionLost(error));
        if (!isUndone || performance.now() - begunMs > standstillMs) throw error;
        return attempt();
      }),
    );
    appended.forEach(emit);
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
    consumer: (consumption) =>
      eventConsumer((apply) => transaction((work) => apply(work as never)), consumption),
  };

  /** The same database for one request that came with a key, and what to do when it is refused. */
  function keyed(request: idempotency.IdempotentRequest) {
    let subject: string | undefined;
    const own: typeof database = {
      ...database,
      request,
      async newId() {
        return (subject = await idempotency.subjectOf(query, request));
      },
      dropId: (id) => idempotency.dropSubject(query, request, id),
      transaction: (useCase) =>
        transaction(async (work) => {
          const kept = await idempotency.claimKey(work.query, request, subject);
          if (kept !== undefined) return kept.answer as never;
          const answer = await useCase(work);
          await idempotency.storeAnswer(work.query, request, answer);
          return answer;
        }),
    };
    return { own, free: () => idempotency.releaseKey(query, request, subject) };
  }

  async function idempotent<Result>(
    ctx: Parameters<typeof idempotency.idempotentRequest>[0],
    useCase: (database: Database<Models, Events>) => Promise<Result>,
  ): Promise<Result> {
    const request = idempotency.idempotentRequest(ctx);
    if (request === undefined) return useCase(database);
    const kept = await idempotency.storedAnswer(query, request);
    if (kept !== undefined) return kept.answer as Result;
    const { own, free } = keyed(request);
    try {
      return await useCase(own);
    } catch (error) {
      // A twin may have been faster, or the connection was lost after the commit.
      const answer = await idempotency.storedAnswer(query, request).catch(() => undefined);
      if (answer !== undefined) return answer.answer as Result;
      // Such a key is another request's.
      const isOthers =
        hasCode(error, commonErrors.IDEMPOTENCY_IN_PROGRESS) ||
        hasCode(error, commonErrors.IDEMPOTENCY_MISMATCH);
      if (!isClientError(error) || isOthers) throw error;
      // A delayed twin of a registration that was refused does less harm than a row for each of them.
      if (request.isAnonymous || (await free())) throw error;
      // A twin was faster after all.
      const late = await idempotency.storedAnswer(query, request);
      if (late === undefined) throw error;
      return late.answer as Result;
    }
  }

  return database;
}

/** Connects and disconnects a service that has no table for moleculer-db, which does so for others. */
function connection(sequelize: Sequelize): Partial<ServiceSchema> {
  return {
    async started(this: { logger: ServiceBroker["logger"] }) {
      for (;;) {
        try {
          await sequelize.authenticate();
          return;
        } catch (error) {
          this.logger.error("The database cannot be reached; the next try follows.", error);
          await setTimeout(connectEveryMs);
        }
      }
    },
    stopped: () => sequelize.close(),
  };
}

/** Answers when the service's database does. */
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
