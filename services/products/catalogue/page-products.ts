import {
  highestId,
  lowestId,
  withoutBlankSearch,
  type RelayConnection,
  type RowCount,
} from "../../../core/relay-connection.ts";
import { readBatcher } from "../../../core/tasks/batcher.ts";
import { maxInt } from "../../../core/validation.ts";
import {
  alongIndex,
  bindOf,
  countRows,
  FilteredRows,
  conditionOf,
  type FilterValues,
  type SortKey,
  type Window,
} from "../../../database/pages/keyset-statements.ts";
import { narrowed, readConnection, type Sort } from "../../../database/pages/keyset.ts";
import type { Product, ProductFilter, ProductsPage, ProductSort } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { productColumns } from "./product.model.ts";
import { batchOptions } from "./read-products.ts";

/** Parameters: `$2` … `$6` are the filters, and for pages, `$7` … `$10` the ends of the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $7::uuid AND id < $8::uuid" };
const byPrice: SortKey = {
  kind: "integer",
  sql: "price",
  within: "(price, id) > ($9::integer, $7::uuid) AND (price, id) < ($10::integer, $8::uuid)",
};
const byName: SortKey = {
  kind: "text",
  sql: 'lower(name) COLLATE "C"',
  within: `(lower(name) COLLATE "C", id) > ($9::text, $7::uuid)
    AND (lower(name) COLLATE "C", id) < ($10::text, $8::uuid)`,
};

const sorts: Record<ProductSort, Sort> = {
  OLDEST_FIRST: { key: byId, isDescending: false },
  NEWEST_FIRST: { key: byId, isDescending: true },
  NAME_ASC: { key: byName, isDescending: false },
  NAME_DESC: { key: byName, isDescending: true },
  PRICE_ASC: { key: byPrice, isDescending: false },
  PRICE_DESC: { key: byPrice, isDescending: true },
};

const catalogue = {
  select: `SELECT ${productColumns}`,
  from: "FROM products",
  where: "archived_at IS NULL",
};

const filters = {
  price: {
    found: "price >= coalesce($2::integer, 0) AND price <= coalesce($3::integer, 2147483647)",
    held: "($2::integer IS NULL OR price >= $2) AND ($3::integer IS NULL OR price <= $3)",
  },
  search: {
    found: "words_of_product(name, description) @@ (SELECT search_of_words($4::text))",
    held: "($4::text IS NULL OR words_of_product(name, description) @@ (SELECT search_of_words($4)))",
  },
  ids: { found: "id = ANY ($5::uuid[])", held: "($5::uuid[] IS NULL OR id = ANY ($5))" },
  stock: {
    found: "in_stock = $6::boolean",
    held: "($6::boolean IS NULL OR in_stock = $6)",
  },
};
type FilterName = keyof typeof filters;

/** The fields of the parameters `$2` … `$6`, in this order. */
const filterFields = ["price_min", "price_max", "search", "ids", "in_stock"] as const;
type FilterField = (typeof filterFields)[number];

/** The filters with their own index, ordered by the cost of a lookup, cheapest first. */
const indexedFields: [FilterName, readonly FilterField[]][] = [
  ["ids", ["ids"]],
  ["price", ["price_min", "price_max"]],
  ["search", ["search"]],
];

function parametersOf(filter: ProductFilter, fields: readonly FilterField[] = filterFields) {
  return filterFields.map((field) => (fields.includes(field) ? (filter[field] ?? null) : null));
}

function filterValuesOf(filter: ProductFilter): FilterValues<FilterName> {
  const used = indexedFields.filter(([, fields]) =>
    fields.some((field) => filter[field] !== undefined),
  );
  return {
    indexed: used.map(([name, fields]) => ({ name, alone: parametersOf(filter, fields) })),
    parameters: parametersOf(filter),
  };
}

/** Returns the stock filter as a literal, so that the planner can use the indexes of the sorts. */
function stockCondition({ in_stock }: ProductFilter): string {
  if (in_stock === undefined) return "true";
  return in_stock ? "in_stock" : "NOT in_stock";
}

/** Narrows the window to the price range if the products are sorted by price. */
function withinPrices(key: SortKey, { price_min, price_max }: ProductFilter, window: Window) {
  if (key !== byPrice) return window;
  const low = { key: price_min ?? 0, id: lowestId };
  const high = { key: price_max ?? maxInt, id: highestId };
  return narrowed(window, low, high);
}

type Row = Product & { sort_key: string | number | null };

/** Reads pages of the catalogue and counts products. */
export function productConnection({ query }: ProductsDatabase) {
  const filtered = new FilteredRows(query, catalogue, filters);
  const all = conditionOf(Object.values(filters));

  const pages = readBatcher(
    (statements: { sql: string; bind: unknown[] }[]) =>
      Promise.all(statements.map(({ sql, bind }) => query<Row>(sql, bind))),
    batchOptions,
  );

  async function readWindow(
    { key }: Sort,
    filter: ProductFilter,
    pageWindow: Window,
  ): Promise<Row[]> {
    const window = withinPrices(key, filter, pageWindow);
    const values = filterValuesOf(filter);
    const isInWindow = key === byPrice && values.indexed.every(({ name }) => name === "price");
    if (values.indexed.length > 0 && !isInWindow) return filtered.read(values, key, window);
    const condition = [stockCondition(filter), all].join(" AND ");
    const sql = alongIndex(catalogue, condition, key, window.isDescending);
    return pages.add({ sql, bind: bindOf(window, values.parameters, key) });
  }

  async function count(filter: ProductFilter): Promise<RowCount> {
    const values = filterValuesOf(filter);
    if (values.indexed.length > 0) return filtered.count(values);
    return countRows(query, catalogue, [stockCondition(filter), all], values.parameters);
  }

  return {
    page({ sort = "OLDEST_FIRST", ...params }: ProductsPage): Promise<RelayConnection<Product>> {
      const order = sorts[sort];
      return readConnection<Product>(`products.${sort}`, order, params, (window) =>
        readWindow(order, withoutBlankSearch(params), window),
      );
    },
    count: (filter: ProductFilter) => count(withoutBlankSearch(filter)),
  };
}
