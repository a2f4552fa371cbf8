import { useQueries } from "@tanstack/react-query";
import { keyOf } from "../../api/documents.ts";
import { shop } from "../../api/shop.ts";
import { useShopPages } from "../../api/use-shop.ts";
import {
  AuditNamesDocument,
  ProductsAuditRowsDocument,
  UsersAuditRowsDocument,
  WebhooksAuditRowsDocument,
  type AuditFactsFragment,
} from "./audit.graphql.ts";

export const trails = ["users", "products", "webhooks"] as const;
export type Trail = (typeof trails)[number];

/** That of the documents. */
const pageRows = 100;

/** Returns entries as a page: the id of the last one is the cursor of the next page. */
function pageOf(entries: readonly AuditFactsFragment[]) {
  const pageInfo = { hasNextPage: entries.length === pageRows, endCursor: entries.at(-1)?.id };
  return { nodes: entries, pageInfo };
}

/** Reads the entries of a trail, newest first. */
export function useAuditTrail(trail: Trail) {
  const users = useShopPages(UsersAuditRowsDocument, {}, (data) => pageOf(data.usersAudit), {
    enabled: trail === "users",
  });
  const products = useShopPages(
    ProductsAuditRowsDocument,
    {},
    (data) => pageOf(data.productsAudit),
    { enabled: trail === "products" },
  );
  const webhooks = useShopPages(
    WebhooksAuditRowsDocument,
    {},
    (data) => pageOf(data.webhooksAudit),
    { enabled: trail === "webhooks" },
  );
  return { users, products, webhooks }[trail];
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
