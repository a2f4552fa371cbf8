import type { ActionSchema, Context, ServiceBroker, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import SqlAdapter from "moleculer-db-adapter-sequelize";
import type { Sequelize } from "sequelize";
import { retryPolicy } from "../core/contract.ts";
import type { ClientError } from "../core/errors.ts";
import { exactText, int, optional } from "../core/validation.ts";
import { untilConnected, type NamedDatabase } from "../database/errors/database-problem.ts";
import {
  checkedParams,
  type TableParams,
  type TableShape,
} from "../database/pages/table-params.ts";

/** A join of moleculer-db: an action that is called with ids, or a function that completes rows. */
interface Populate {
  maxRows?: number;
  field: string;
  action?: string;
  params?: object;
  handler?: (
    ids: string[],
    rows: Record<string, unknown>[],
    rule: unknown,
    ctx: Context,
  ) => Promise<void>;
}

/** A table that moleculer-db serves. */
export interface ServedTable extends TableShape {
  populates?: Readonly<Record<string, Populate>>;
  /** The error for an id that no row has. */
  notFound: (id: string) => ClientError;
}

/** The methods that moleculer-db adds to a service. */
interface DbMethods {
  connect(): Promise<void>;
  sanitizeParams(ctx: Context, params: object): object;
  _find(ctx: Context, params: object): Promise<object[]>;
  _list(ctx: Context, params: object): Promise<object>;
  _count(ctx: Context, params: object): Promise<number>;
  _get(ctx: Context, params: object): Promise<object>;
}

const any = optional({ type: "any" });
const mapping = optional({ type: "boolean" });
const selection = { fields: any, excludeFields: any, populate: any };
const searched = optional(exactText(1, 200));
const condition = { query: any, search: searched, iSearch: searched, searchFields: any };
const sort = optional(exactText(1, 200));
const listPageRows = 10;

const genericService = DbService as unknown as ServiceSchema;
const genericActions = genericService.actions ?? {};

/**
 * Adds moleculer-db's read actions of a table for the REPL and for services: `db.find`,
 * `db.list`, `db.count`, `db.get` and `db.resolve`. Names without `db.` belong to the contracts.
 * The gateway cannot call these actions. The write actions are removed, because they would bypass
 * the use cases. Results are not cached, because the use cases would not clear the cache.
 *
 * @param named the database, for messages about a failed connection
 * @param asClientError turns errors of the database into client errors
 */
export function tableActions(
  sequelize: Sequelize,
  { notFound, ...shape }: ServedTable,
  named: NamedDatabase,
  asClientError: <Result>(work: () => Promise<Result>) => Promise<Result>,
): Partial<ServiceSchema> {
  const { model, fields, maxRows, populates = {} } = shape;

  function read(
    params: Record<string, unknown>,
    work: (service: DbMethods, ctx: Context, params: object) => Promise<unknown>,
  ): ActionSchema {
    return {
      params: { $$strict: true, ...params },
      access: "nobody",
      retryPolicy,
      handler(this: DbMethods, ctx: Context<TableParams>) {
        const checked = checkedParams(shape, ctx.params);
        return asClientError(() => work(this, ctx, this.sanitizeParams(ctx, checked)));
      },
    } as unknown as ActionSchema;
  }

  /** Returns one row or several; undefined if no row has the id. */
  async function get(
    service: DbMethods,
    ctx: Context,
    params: object,
  ): Promise<object | undefined> {
    try {
      return await service._get(ctx, params);
    } catch (error) {
      if (error instanceof Error && error.name === "EntityNotFoundError") return undefined;
      throw error;
    }
  }

  const byId = { id: { type: "any" }, mapping, ...selection };
  return {
    mixins: [
      {
        ...genericService,
        // In place of moleculer-db's, which logs a stack each second, also for a wrong password.
        async started(
          this: DbMethods & { broker: ServiceBroker; logger: ServiceBroker["logger"] },
        ) {
          await untilConnected(() => this.connect(), named, this);
        },
      },
    ],
    settings: {
      idField: "id",
      fields: [...fields, ...Object.keys(populates)],
      populates,
      pageSize: listPageRows,
      maxPageSize: maxRows,
      maxLimit: maxRows,
    },
    actions: {
      ...Object.fromEntries(Object.keys(genericActions).map((name) => [name, false])),
      "db.find": read(
        { ...selection, ...condition, sort, limit: optional(int(1)), offset: optional(int(0)) },
        (service, ctx, params) => service._find(ctx, params),
      ),
      "db.list": read(
        { ...selection, ...condition, sort, pageSize: optional(int(1)), page: optional(int(1)) },
        (service, ctx, params) => service._list(ctx, params),
      ),
      "db.count": read(condition, (service, ctx, params) => service._count(ctx, params)),
      "db.get": read(byId, async (service, ctx, params) => {
        const row = await get(service, ctx, params);
        if (row === undefined) throw notFound((params as { id: string }).id);
        return row;
      }),
      "db.resolve": read(
        byId,
        async (service, ctx, params) => (await get(service, ctx, params)) ?? null,
      ),
    },
    merged(schema: Record<string, unknown>) {
      // Set after merging, which would clone the pool and its models.
      schema.adapter = new SqlAdapter(sequelize);
      // The scope keeps hidden columns out of every SELECT.
      schema.model = model.scope({ attributes: [...fields] } as never);
    },
  } as unknown as Partial<ServiceSchema>;
}
