import { isId } from "../../api/is-id.ts";
import { useQueries } from "@tanstack/react-query";
import { keyOf } from "../../api/documents.ts";
import { shop } from "../../api/shop.ts";
import { useShopPages, useShopQuery } from "../../api/use-shop.ts";
import type { AuditFilter, Trail } from "./audit-filter.ts";
import {
  AuditNamesDocument,
  AuditProductsDocument,
  AuditUsersDocument,
  ProductsAuditRowsDocument,
  UsersAuditRowsDocument,
  WebhooksAuditRowsDocument,
  type AuditFactsFragment,
} from "./audit.graphql.ts";

/** That of the documents. */
const pageRows = 100;

/** Returns entries as a page: the id of the last one is the cursor of the next page. */
function pageOf(entries: readonly AuditFactsFragment[]) {
  const pageInfo = { hasNextPage: entries.length === pageRows, endCursor: entries.at(-1)?.id };
  return { nodes: entries, pageInfo };
}

/**
 * Reads the entries of a trail, newest first.
 *
 * @param filter undefined while it is not known
 */
export function useAuditTrail(trail: Trail, filter: AuditFilter | undefined) {
  const options = (of: Trail) => ({ enabled: trail === of && filter !== undefined });
  const users = useShopPages(
    UsersAuditRowsDocument,
    filter ?? {},
    (data) => pageOf(data.usersAudit),
    options("users"),
  );
  const products = useShopPages(
    ProductsAuditRowsDocument,
    filter ?? {},
    (data) => pageOf(data.productsAudit),
    options("products"),
  );
  const webhooks = useShopPages(
    WebhooksAuditRowsDocument,
    filter ?? {},
    (data) => pageOf(data.webhooksAudit),
    options("webhooks"),
  );
  return { users, products, webhooks }[trail];
}

interface Called {
  /** Undefined if nothing was entered. */
  ids: readonly string[] | undefined;
  /** More than the shop takes in a filter. */
  areTooMany: boolean;
  isPending: boolean;
  error: Error | null;
  refetch: () => unknown;
}

/** The maximum number of ids in a filter of the shop. */
const maxIds = 50;
const noSearch = {
  areTooMany: false,
  isPending: false,
  error: null,
  refetch: () => undefined,
};

/** Finds the users or products that a filter calls by their id, or by the start of a name. */
export function useCalled(kind: "users" | "products" | "webhooks", entered: string): Called {
  const text = entered.trim();
  const isEnteredId = isId(text);
  const isSearch = text !== "" && !isEnteredId;
  const users = useShopQuery(
    AuditUsersDocument,
    { search: text },
    { enabled: isSearch && kind === "users" },
  );
  const products = useShopQuery(
    AuditProductsDocument,
    { search: text },
    { enabled: isSearch && kind === "products" },
  );
  if (!isSearch) return { ...noSearch, ids: isEnteredId ? [text] : undefined };
  // Webhooks have no names.
  if (kind === "webhooks") return { ...noSearch, ids: [] };
  const { isPending, error, refetch } = { users, products }[kind];
  const found = {
    users: users.data?.usersConnection.nodes,
    products: products.data?.productsConnection.nodes,
  }[kind];
  const ids = found?.map(({ id }) => id) ?? [];
  return { ids, areTooMany: ids.length > maxIds, isPending, error, refetch };
}

/** Returns the ids of a page that can have names: at most 200, of actors and of what was affected. */
function idsOf(entries: readonly AuditFactsFragment[]): string[][] {
  const lists = [
    entries.flatMap(({ actorId }) => actorId ?? []),
    entries.flatMap(({ subjectId }) => subjectId ?? []),
  ];
  return lists.map((ids) => [...new Set(ids)].sort()).filter((ids) => ids.length > 0);
}

interface Names {
  nameOf: (id: string) => string | undefined;
  /** Whether names are being read. */
  isReading: boolean;
}

/** Reads the names of the users and products of pages. Erased users and deleted products have none. */
export function useNames(pages: readonly (readonly AuditFactsFragment[])[]): Names {
  const results = useQueries({
    queries: pages.flatMap(idsOf).map((ids) => ({
      queryKey: keyOf(AuditNamesDocument, { ids }),
      queryFn: () => shop.execute(AuditNamesDocument, { ids }),
      staleTime: Infinity,
    })),
  });
  const names = new Map<string, string>();
  for (const node of results.flatMap(({ data }) => data?.nodes ?? [])) {
    if (node === null) continue;
    if ("username" in node) names.set(node.id, node.username);
    else if ("name" in node) names.set(node.id, node.name);
  }
  const isReading = results.some(({ fetchStatus }) => fetchStatus === "fetching");
  return { nameOf: (id) => names.get(id), isReading };
}
