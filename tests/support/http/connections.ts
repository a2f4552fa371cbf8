import type { TestShop } from "../shop.ts";

/** A page of a connection, as far as tests look at it. */
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

/** The connections, and what is read of their nodes. */
const connections = {
  productsConnection: {
    variables: "$search: String, $filter: ProductFilter, $sort: ProductSort",
    given: "search: $search, filter: $filter, sort: $sort",
    node: "id name price stock",
  },
  ordersConnection: {
    variables: "$filter: OrderFilter, $sort: OrderSort",
    given: "filter: $filter, sort: $sort",
    node: "id user_id price_total status",
  },
  usersConnection: {
    variables: "$search: String, $filter: UserFilter, $sort: UserSort",
    given: "search: $search, filter: $filter, sort: $sort",
    node: "id username email type",
  },
};
export type ConnectionName = keyof typeof connections;

/** What a page is asked for with: GraphQL's arguments of the field. */
export type Asked = Record<string, unknown>;

/** The document that asks for a page of a connection, its arguments being variables. */
export function documentOf(field: ConnectionName): string {
  const { variables, given, node } = connections[field];
  return `query ($first: Int, $after: String, $last: Int, $before: String, ${variables}) {
    ${field}(first: $first, after: $after, last: $last, before: $before, ${given}) {
      edges { cursor node { ${node} } }
      nodes { ${node} }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
}

/** Asks for pages of one connection on somebody's behalf. */
export class ConnectionReader<Node extends { id: string }> {
  readonly #shop: TestShop;
  readonly #field: ConnectionName;
  readonly #token: string | undefined;

  constructor(shop: TestShop, field: ConnectionName, token?: string) {
    this.#shop = shop;
    this.#field = field;
    this.#token = token;
  }

  /** One page. Throws what it is refused with. */
  async page(asked: Asked): Promise<ConnectionPage<Node>> {
    const { data, errors } = await this.#shop.graphql<Record<string, ConnectionPage<Node>>>(
      documentOf(this.#field),
      { variables: asked, token: this.#token },
    );
    const page = data?.[this.#field];
    if (page === undefined) throw new Error(JSON.stringify(errors));
    return page;
  }

  /** The ids of one page. */
  async ids(asked: Asked): Promise<string[]> {
    return (await this.page(asked)).nodes.map(({ id }) => id);
  }

  /** All nodes, page by page from the start; `between` is done after each page. */
  async forwards(size: number, asked: Asked, between?: () => Promise<void>): Promise<Node[]> {
    const nodes: Node[] = [];
    let after: string | null = null;
    for (;;) {
      const page: ConnectionPage<Node> = await this.page({ ...asked, first: size, after });
      nodes.push(...page.nodes);
      if (!page.pageInfo.hasNextPage) return nodes;
      after = page.pageInfo.endCursor;
      await between?.();
    }
  }

  /** All nodes, page by page from the end, in the order of the connection. */
  async backwards(size: number, asked: Asked, between?: () => Promise<void>): Promise<Node[]> {
    const nodes: Node[] = [];
    let before: string | null = null;
    for (;;) {
      const page: ConnectionPage<Node> = await this.page({ ...asked, last: size, before });
      nodes.unshift(...page.nodes);
      if (!page.pageInfo.hasPreviousPage) return nodes;
      before = page.pageInfo.startCursor;
      await between?.();
    }
  }
}
