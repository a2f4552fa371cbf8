import { useQueries } from "@tanstack/react-query";
import { keyOf } from "../../api/documents.ts";
import { shop } from "../../api/shop.ts";
import { useShopPages } from "../../api/use-shop.ts";
import {
  AuditActorsDocument,
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

/** Reads the names of the users who did what the pages list. Erased users have none. */
export function useActorNames(
  pages: readonly (readonly AuditFactsFragment[])[],
): (actorId: string) => string | undefined {
  const results = useQueries({
    queries: pages.map((entries) => {
      const ids = [...new Set(entries.flatMap(({ actorId }) => actorId ?? []))].sort();
      return {
        queryKey: keyOf(AuditActorsDocument, { ids }),
        queryFn: () => shop.execute(AuditActorsDocument, { ids }),
        enabled: ids.length > 0,
        staleTime: Infinity,
      };
    }),
  });
  const users = results.flatMap(({ data }) => data?.nodes ?? []);
  const names = new Map(
    users.flatMap((user) =>
      user !== null && "username" in user ? [[user.id, user.username]] : [],
    ),
  );
  return (actorId) => names.get(actorId);
}
