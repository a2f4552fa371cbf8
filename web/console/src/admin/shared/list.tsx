import type { ReactNode } from "react";
import { SearchX } from "lucide-react";
import type { Total } from "../../api/use-shop.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { formatNumber } from "../../ui/format.ts";
import { More } from "../../ui/more.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import styles from "./list.module.css";

/** The part of a query of pages that a list shows. */
interface PagedQuery {
  isPending: boolean;
  isSuccess: boolean;
  error: unknown;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  total?: Total | undefined;
  refetch: () => unknown;
  fetchNextPage: () => unknown;
}

interface ListProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row, index: number) => string;
  query: PagedQuery;
  /** In place of an empty list without filters. */
  empty: ReactNode;
  isFiltered?: boolean;
}

/** A table that loads its next pages, and says when it is loading, empty or failed. */
export function List<Row>({ query, empty, isFiltered = false, ...table }: ListProps<Row>) {
  const { isPending, isSuccess, error, hasNextPage, isFetchingNextPage, total } = query;
  const isEmpty = table.rows.length === 0;
  return (
    <>
      {isPending && <Skeleton count={6} height={52} />}
      {Boolean(error) && isEmpty && (
        <ErrorState error={error} onRetry={() => void query.refetch()} />
      )}
      {isSuccess && isEmpty && (isFiltered ? <NothingMatches /> : empty)}
      {!isEmpty && total !== undefined && (
        <p className={styles.total}>{adminTexts.total(formatNumber(total.count), total.isExact)}</p>
      )}
      {!isEmpty && <Table {...table} />}
      <More
        hasMore={hasNextPage}
        isLoading={isFetchingNextPage}
        onMore={() => void query.fetchNextPage()}
      />
    </>
  );
}

/** What is shown in place of a list whose filters match nothing. */
export function NothingMatches() {
  return (
    <EmptyState icon={<SearchX />} title={adminTexts.noneTitle}>
      {adminTexts.noneText}
    </EmptyState>
  );
}
