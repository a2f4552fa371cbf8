import { useMemo } from "react";
import { PackageOpen, SearchX } from "lucide-react";
import { useSearchParams } from "wouter";
import { Page } from "../app/page.tsx";
import { useShopPages } from "../api/use-shop.ts";
import { catalogueTexts } from "../texts/catalogue.ts";
import { More } from "../ui/more.tsx";
import { EmptyState, ErrorState } from "../ui/states.tsx";
import { CardPage } from "./card-page.tsx";
import { CardSkeletons } from "./card-skeletons.tsx";
import { isFiltered, readFilter, variablesOf, writeFilter } from "./catalogue-filter.ts";
import { ProductCardsDocument } from "./catalogue.graphql.ts";
import { FilterBar } from "./filter-bar.tsx";
import { useStockUpdates } from "./live-stock.ts";

const pageRows = 48;
const documents = [ProductCardsDocument];

/** The catalogue. The address has search, filters and sort, so that it can be kept and shared. */
export default function CataloguePage() {
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  const query = useShopPages(
    ProductCardsDocument,
    { first: pageRows, ...variablesOf(filter) },
    (data) => data.productsConnection,
  );
  useStockUpdates(documents);
  const { pages, isPending, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } =
    query;
  const isEmpty = pages[0]?.length === 0;
  return (
    <Page title={catalogueTexts.title}>
      <FilterBar
        filter={filter}
        onChange={(changed) => {
          setParams(writeFilter(changed), { replace: true });
        }}
      />
      {isPending && <CardSkeletons />}
      {error && pages.length === 0 && <ErrorState error={error} onRetry={() => void refetch()} />}
      {isEmpty &&
        (isFiltered(filter) ? (
          <EmptyState icon={<SearchX />} title={catalogueTexts.noneTitle}>
            {catalogueTexts.noneText}
          </EmptyState>
        ) : (
          <EmptyState icon={<PackageOpen />} title={catalogueTexts.emptyTitle}>
            {catalogueTexts.emptyText}
          </EmptyState>
        ))}
      {pages.map((products) => (
        <CardPage key={products[0]?.id ?? ""} products={products} />
      ))}
      <More
        hasMore={hasNextPage}
        isLoading={isFetchingNextPage}
        onMore={() => void fetchNextPage()}
      />
    </Page>
  );
}
