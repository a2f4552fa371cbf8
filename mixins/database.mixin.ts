import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import SqlAdapter from "moleculer-db-adapter-sequelize";
import pgConnectionString from "pg-connection-string";
import {
  QueryTypes,
  Sequelize,
  type Model,
  type ModelStatic,
  type Options,
  type Transaction,
} from "sequelize";
import { v7 as uuidv7 } from "uuid";
import type { Contract, Effect, EventEnvelope } from "../core/contract.ts";
import { int } from "../core/validation.ts";
import { refusalOrFault, type ConstraintRefusals } from "./database-errors.ts";
import { eventConsumer, type Handlers } from "./event-consumer.ts";
import { EventLog, type RecordedEvent } from "./event-log.ts";
import { migrate } from "./migrate.ts";

/** What a use case sees of its transaction. */
export interface Work<Events extends Contract["events"]> extends Effect<Events> {
  transaction: Transaction;
}

/** The plain reads of moleculer-db-adapter-sequelize, on the service's main model. */
interface Reads<Row extends Model> {
  find(filter: { query?: object; sort?: string; limit?: number; offset?: number }): Promise<Row[]>;
  findOne(filter: { where: object }): Promise<Row | null>;
  findById(id: string): Promise<Row | null>;
  findByIds(ids: string[]): Promise<Row[]>;
}

/** The service's own database, and nobody else's. */
export interface Database<Models, Main extends Model, Events extends Contract["events"]> {
  /** Connects before the service is announced, and disconnects when it stops; keeps its event log. */
  mixin: Partial<ServiceSchema>;
  sequelize: Sequelize;
  models: Models;
  /**
   * Runs one use case in one transaction (READ COMMITTED), which ends in the event log.
   * Nothing remote may be called inside. Throws the refusals of the use case, and those that
   * stand for broken constraints; else SERVICE_UNAVAILABLE or the database's own error.
   */
  transaction: <Result>(useCase: (work: Work<Events>) => Promise<Result>) => Promise<Result>;
  /** Plain reads of the main model, with the same errors as `transaction`. */
  read: <Result>(query: (reads: Reads<Main>) => Promise<Result>) => Promise<Result>;
  /** One statement outside a transaction, with bound parameters, with the same errors. */
  query: <Row extends object>(sql: string, bind: unknown[]) => Promise<Row[]>;
  /** Reads the logs of these producers, and applies their events in this database. */
  consumer: (producers: readonly Contract[], handlers: Handlers) => Partial<ServiceSchema>;
}

export interface DatabaseOptions<Models, Main extends Model> {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  url: string;
  /** Connections this process keeps to it at most. */
  poolMax: number;
  /** Folder of the SQL migrations, applied in the order of their names. */
  migrations: URL;
  models: (sequelize: Sequelize) => Models;
  /** The model that stands for the service in moleculer-db. */
  main: (models: Models) => ModelStatic<Main>;
  /** Which refusal a broken constraint means, by the constraint's name. */
  constraints?: ConstraintRefusals;
}

const genericActions = (DbService as unknown as ServiceSchema).actions ?? {};

/** How long a query may run, and how long one waits for a connection of the pool. */
const statementTimeoutMs = 10_000;
const acquireTimeoutMs = 3_000;

/** A Sequelize instance that connects on first use. */
export function openSequelize(url: string, poolMax: number): Sequelize {
  const { host, port, user, password, database, ssl } = pgConnectionString.parse(url);
  const options: Options = {
    dialect: "postgres",
    database: database ?? "",
    username: user ?? "",
    password: password ?? "",
    host: host ?? "localhost",
    ...(port && { port: Number(port) }),
    logging: false,
    pool: { max: poolMax, min: 0, idle: 30_000, acquire: acquireTimeoutMs },
    dialectOptions: { ssl, statement_timeout: statementTimeoutMs, keepAlive: true },
    define: { underscored: true, timestamps: false },
  };
  return new Sequelize(options);
}

export function openDatabase<Models, Main extends Model, Events extends Contract["events"]>(
  contract: Contract<string, Contract["actions"], Events>,
  options: DatabaseOptions<Models, Main>,
): Database<Models, Main, Events> {
  const sequelize = openSequelize(options.url, options.poolMax);
  const models = options.models(sequelize);
  const adapter = new SqlAdapter(sequelize) as unknown as Reads<Main>;
  let broker: ServiceBroker | undefined;
  const log = new EventLog(sequelize, contract.name, emit, (fault) => {
    broker?.logger.error(`the event log of ${contract.name} could not be relayed`, fault);
  });

  const mixin = {
    mixins: [DbService],
    actions: {
      // moleculer-db's own actions would let anybody write past the use cases.
      ...Object.fromEntries(Object.keys(genericActions).map((name) => [name, false])),
      /** The event log behind a position, for the consumers. */
      eventsAfter: {
        params: { $$strict: true, position: int(0, Number.MAX_SAFE_INTEGER) },
        access: "nobody",
        handler: ({ params }: Context<{ position: number }>) =>
          translated(() => log.after(params.position)),
      },
    },
    merged(schema: Record<string, unknown>) {
      // Set after merging, which clones deeply: the pool must stay one.
      schema.adapter = adapter;
      schema.model = options.main(models);
    },
    created(this: { broker: ServiceBroker }) {
      broker = this.broker;
    },
    // moleculer-db's own `started` runs first, and waits until the database answers.
    async started() {
      await migrate(sequelize, options.migrations);
      log.start();
    },
    // Before moleculer-db's own `stopped` closes the pool.
    async stopped() {
      await log.stop();
    },
  } as unknown as Partial<ServiceSchema>;

  async function translated<Result>(query: () => Promise<Result>): Promise<Result> {
    try {
      return await query();
    } catch (error) {
      throw refusalOrFault(error, options.constraints ?? {});
    }
  }

  function select<Row extends object>(sql: string, bind: unknown[], transaction?: Transaction) {
    const mode = { bind, type: QueryTypes.SELECT } as const;
    return sequelize.query<Row>(sql, transaction ? { ...mode, transaction } : mode);
  }

  /** The log is there for whoever misses it: neither a consumer nor the broker can fail it. */
  function emit(event: EventEnvelope): void {
    broker?.emit(event.type, event).catch((error: unknown) => {
      broker?.logger.error(`event ${event.id} (${event.type}) could not be emitted`, error);
    });
  }

  async function transaction<Result>(useCase: (work: Work<Events>) => Promise<Result>) {
    const recorded: RecordedEvent[] = [];
    const result = await translated(() =>
      sequelize.transaction(async (own) => {
        const done = await useCase({
          transaction: own,
          query: (sql, bind) => select(sql, bind, own),
          record: (type, data) => recorded.push(newEvent(contract, type, data)),
        });
        await log.append(own, recorded);
        return done;
      }),
    );
    if (recorded.length > 0) log.relaySoon();
    return result;
  }

  return {
    mixin,
    sequelize,
    models,
    read: (query) => translated(() => query(adapter)),
    query: (sql, bind) => translated(() => select(sql, bind)),
    transaction,
    consumer: (producers, handlers) =>
      eventConsumer((apply) => transaction((work) => apply(work as never)), producers, handlers),
  };
}

function newEvent(contract: Contract, type: string, data: unknown): RecordedEvent {
  const version = contract.events[type]?.version ?? 1;
  return { id: uuidv7(), type, version, occurredAt: new Date().toISOString(), data };
}
