import { useMemo } from "react";
import { PackageOpen, SearchX } from "lucide-react";
import { useSearchParams } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { useShopPages } from "../api/use-shop.ts";
import { useSession } from "../session/use-session.ts";
import { catalogueTexts } from "../texts/catalogue.ts";
import { LinkButton } from "../ui/actions/button.tsx";
import { More } from "../ui/lists/more.tsx";
import { EmptyState, ErrorState } from "../ui/states.tsx";
import { CardPage } from "./cards/card-page.tsx";
import { CardSkeletons } from "./cards/card-skeletons.tsx";
import { CatalogueFilterBar } from "./catalogue-filter-bar.tsx";
import {
  isFiltered,
  priceFaultsOf,
  readFilter,
  variablesOf,
  writeFilter,
} from "./catalogue-filter.ts";
import { ProductCardsDocument } from "./catalogue.graphql.ts";
import { useStockUpdates } from "./stock/live-stock.ts";

/** A multiple of each number of columns, so that the last row is full. */
const pageRows = 60;
const documents = [ProductCardsDocument];

/** The catalogue. The address has search, filters and sort, so that it can be kept and shared. */
export default function CataloguePage() {
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  const faults = priceFaultsOf(filter);
  const query = useShopPages(
    ProductCardsDocument,
    { first: pageRows, ...variablesOf(filter) },
    (data) => data.productsConnection,
    { enabled: !faults },
  );
  useStockUpdates(documents);
  const { isPending, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  // Without the wrong values, the query is another one, whose result may be known.
  const pages = faults ? [] : query.pages;
  const isEmpty = pages[0]?.length === 0;
  return (
    <Page title={catalogueTexts.title}>
      <CatalogueFilterBar
        filter={filter}
        faults={faults}
        onChange={(changed) => {
          setParams(writeFilter(changed), { replace: true });
        }}
      />
      {faults && (
        <EmptyState icon={<SearchX />} title={catalogueTexts.faultTitle}>
          {catalogueTexts.faultText}
        </EmptyState>
      )}
      {!faults && isPending && <CardSkeletons />}
      {!faults && error && pages.length === 0 && (
        <ErrorState error={error} onRetry={() => void refetch()} />
      )}
      {isEmpty &&
        (isFiltered(filter) ? (
          <EmptyState icon={<SearchX />} title={catalogueTexts.noneTitle}>
            {catalogueTexts.noneText}
          </EmptyState>
        ) : (
          <EmptyCatalogue />
        ))}
      {pages.map((products) => (
        <CardPage key={products[0]?.id ?? ""} products={products} />
      ))}
      <More
        hasMore={hasNextPage && !faults}
        isLoading={isFetchingNextPage}
        onMore={() => void fetchNextPage()}
      />
    </Page>
  );
}

/** A new shop has neither products nor an admin: its operator is a visitor. */
function EmptyCatalogue() {
  const { isAdmin, status } = useSession();
  const action = isAdmin && (
    <LinkButton href="/admin/products/new" look="primary">
      {catalogueTexts.addProduct}
    </LinkButton>
  );
  return (
    <EmptyState icon={<PackageOpen />} title={catalogueTexts.emptyTitle} action={action}>
      {catalogueTexts.emptyText}
      {status === "anonymous" && (
        <>
          {" "}
          {catalogueTexts.newShopText} <a href="/">{catalogueTexts.toPlayground}</a>
        </>
      )}
    </EmptyState>
  );
}
