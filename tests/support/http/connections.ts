import type { TestShop } from "../shop.ts";

/** A page of a Relay connection. */
export interface ConnectionPage<Node = { id: string }> {
  edges: { cursor: string; node: Node }[];
  nodes: Node[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/** The connections, with their arguments and the selected fields of their nodes. */
const connections = {
  productsConnection: {
    variables: "$search: String, $filter: ProductFilter, $sort: ProductSort",
    args: "search: $search, filter: $filter, sort: $sort",
    node: "id name price stock",
  },
  ordersConnection: {
    variables: "$filter: OrderFilter, $sort: OrderSort",
    args: "filter: $filter, sort: $sort",
    node: "id user_id price_total status",
  },
  usersConnection: {
    variables: "$search: String, $filter: UserFilter, $sort: UserSort",
    args: "search: $search, filter: $filter, sort: $sort",
    node: "id username email type",
  },
};
export type ConnectionName = keyof typeof connections;

/** The arguments of the connection field. */
export type PageArguments = Record<string, unknown>;

/** Returns the query for a page of a connection, with its arguments as variables. */
export function documentOf(field: ConnectionName): string {
  const { variables, args, node } = connections[field];
  return `query ($first: Int, $after: String, $last: Int, $before: String, ${variables}) {
    ${field}(first: $first, after: $after, last: $last, before: $before, ${args}) {
      edges { cursor node { ${node} } }
      nodes { ${node} }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
}

/** Reads pages of one connection as one caller. */
export class ConnectionReader<Node extends { id: string }> {
  readonly #shop: TestShop;
  readonly #field: ConnectionName;
  readonly #token: string | undefined;

  constructor(shop: TestShop, field: ConnectionName, token?: string) {
    this.#shop = shop;
    this.#field = field;
    this.#token = token;
  }

  /** Reads one page. Throws the errors as JSON. */
  async page(args: PageArguments): Promise<ConnectionPage<Node>> {
    const { data, errors } = await this.#shop.graphql<Record<string, ConnectionPage<Node>>>(
      documentOf(this.#field),
      { variables: args, token: this.#token },
    );
    const page = data?.[this.#field];
    if (page === undefined) throw new Error(JSON.stringify(errors));
    return page;
  }

  /** Reads the ids of one page. */
  async ids(args: PageArguments): Promise<string[]> {
    return (await this.page(args)).nodes.map(({ id }) => id);
  }

  /** Reads all nodes page by page from the start. `between` runs after each page. */
  async forwards(
    size: number,
    args: PageArguments,
    between?: () => Promise<void>,
  ): Promise<Node[]> {
    const nodes: Node[] = [];
    let after: string | null = null;
    for (;;) {
      const page: ConnectionPage<Node> = await this.page({ ...args, first: size, after });
      nodes.push(...page.nodes);
      if (!page.pageInfo.hasNextPage) return nodes;
      after = page.pageInfo.endCursor;
      await between?.();
    }
  }

  /** Reads all nodes page by page from the end. Returns them in the order of the connection. */
  async backwards(size: number, args: PageArguments): Promise<Node[]> {
    const nodes: Node[] = [];
    let before: string | null = null;
    for (;;) {
      const page: ConnectionPage<Node> = await this.page({ ...args, last: size, before });
      nodes.unshift(...page.nodes);
      if (!page.pageInfo.hasPreviousPage) return nodes;
      before = page.pageInfo.startCursor;
    }
  }
}
