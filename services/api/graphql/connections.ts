import type { RelayConnection, RowCount } from "../../../core/relay-connection.ts";
import type { Contract } from "../../../core/contract.ts";
import type { GraphqlContext } from "./graphql-execution.ts";

/** The type that all connections share. */
export const pageInfoType = `
  "Whether there are more rows, and the cursors to go on from"
  type PageInfo {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }
`;

/** What counting weighs in throttling: up to 10,000 rows are looked at. */
const costOfCount = 50;

/** A page as its fields show it. Counting is work, and done for those who ask for it. */
interface ShownPage extends RelayConnection<unknown> {
  nodes: unknown[];
  count: () => Promise<RowCount>;
}

/** Asks an action for a page, and `countAction` how many rows there are when a field wants to know. */
export function connectionResolver(action: string, countAction: string) {
  return async (
    _root: unknown,
    { filter, search, ...page }: Record<string, unknown>,
    { ctx }: GraphqlContext,
  ): Promise<ShownPage> => {
    const sought = { ...(filter as object | null), ...(search !== undefined && { search }) };
    const { edges, pageInfo } = await ctx.call<RelayConnection<unknown>, object>(action, {
      ...page,
      ...sought,
    });
    let counted: Promise<RowCount> | undefined;
    const count = () => (counted ??= ctx.call<RowCount, object>(countAction, sought));
    return { edges, pageInfo, nodes: edges.map(({ node }) => node), count };
  };
}

const countFields = {
  totalCount: async (page: ShownPage) => (await page.count()).total,
  totalCountIsExact: async (page: ShownPage) => (await page.count()).isExact,
};

/** The fields of the connections' types that count. */
export function countResolvers(contracts: readonly Contract[]): Record<string, object> {
  return Object.fromEntries(connectionTypes(contracts).map((type) => [type, countFields]));
}

/** What these fields weigh in throttling, by `Type.field`. */
export function countCosts(contracts: readonly Contract[]): [string, number][] {
  return connectionTypes(contracts).flatMap((type) =>
    Object.keys(countFields).map((field): [string, number] => [`${type}.${field}`, costOfCount]),
  );
}

/** The types of the fields that are connections. */
function connectionTypes(contracts: readonly Contract[]): string[] {
  return contracts.flatMap(({ actions }) =>
    Object.values(actions).flatMap(({ graphql: { countedBy, query = "" } = {} }) => {
      const [type] = /\w+(?=!$)/.exec(query) ?? [];
      return countedBy === undefined || type === undefined ? [] : [type];
    }),
  );
}
