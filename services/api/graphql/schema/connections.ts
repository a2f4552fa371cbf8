import {
  usualPageRows,
  type RelayConnection,
  type RowCount,
} from "../../../../core/relay-connection.ts";
import type { Contract } from "../../../../core/contract.ts";
import { namedTypeOf, parseField } from "./field-declaration.ts";
import type { GraphqlContext } from "../graphql-operation.ts";

/** The type that all connections share. */
export const pageInfoType = `
  "The ends of a page, and whether more rows precede or follow it"
  type PageInfo {
    "Whether rows follow the page. With last: whether before was given."
    hasNextPage: Boolean!
    "Whether rows precede the page. With first: whether after was given."
    hasPreviousPage: Boolean!
    "The cursor of the first row; null for an empty page"
    startCursor: String
    "The cursor of the last row; null for an empty page"
    endCursor: String
  }
`;

/** The cost of counting: the query scans up to 10,000 rows. */
const costOfCount = 50;

/** A connection. The rows are counted only if the query selects a count. */
interface ShownPage extends RelayConnection<unknown> {
  nodes: unknown[];
  count: () => Promise<RowCount>;
}

/** Calls an action for a page, and `countAction` if the query selects a count. */
export function connectionResolver(action: string, countAction: string) {
  return async (
    _root: unknown,
    { filter, search, ...page }: Record<string, unknown>,
    { ctx, readRows, race }: GraphqlContext,
  ): Promise<ShownPage> => {
    const criteria = { ...(filter as object | null), ...(search !== undefined && { search }) };
    const isFiltered = Object.keys(criteria).length > 0;
    const size = isFiltered ? "scan" : Number(page.first ?? page.last ?? usualPageRows);
    const { edges, pageInfo } = await race(() =>
      readRows(size, () =>
        ctx.call<RelayConnection<unknown>, object>(action, { ...page, ...criteria }),
      ),
    );
    let rowCount: Promise<RowCount> | undefined;
    const count = () =>
      (rowCount ??= race(() =>
        readRows("scan", () => ctx.call<RowCount, object>(countAction, criteria)),
      ));
    return { edges, pageInfo, nodes: edges.map(({ node }) => node), count };
  };
}

const countFields = {
  totalCount: async (page: ShownPage) => (await page.count()).total,
  totalCountIsExact: async (page: ShownPage) => (await page.count()).isExact,
};

/** Returns the resolvers of the count fields of all connection types. */
export function countResolvers(contracts: readonly Contract[]): Record<string, object> {
  return Object.fromEntries(connectionTypes(contracts).map((type) => [type, countFields]));
}

/** Returns the costs of the count fields, by `Type.field`. */
export function countCosts(contracts: readonly Contract[]): [string, number][] {
  return connectionTypes(contracts).flatMap((type) =>
    Object.keys(countFields).map((field): [string, number] => [`${type}.${field}`, costOfCount]),
  );
}

/** Returns the names of the connection types. */
function connectionTypes(contracts: readonly Contract[]): string[] {
  return contracts.flatMap(({ actions }) =>
    Object.values(actions).flatMap(({ graphql: { countedBy, query } = {} }) =>
      countedBy === undefined || query === undefined ? [] : [namedTypeOf(parseField(query))],
    ),
  );
}
