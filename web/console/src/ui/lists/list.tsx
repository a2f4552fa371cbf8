import type { ReactNode } from "react";
import { SearchX } from "lucide-react";
import type { Total } from "../../api/use-shop.ts";
import { commonTexts } from "../../texts/common.ts";
import { formatNumber } from "../format.ts";
import { More } from "./more.tsx";
import { EmptyState, QueryState } from "../states.tsx";
import { Table, type Column } from "./table.tsx";
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
  const hasFailed = error !== null;
  const isEmpty = table.rows.length === 0;
  return (
    <>
      {(isPending || (hasFailed && isEmpty)) && <QueryState query={query} count={6} height={52} />}
      {isSuccess && isEmpty && (isFiltered ? <NothingMatches /> : empty)}
      {!isEmpty && total !== undefined && <p className={styles.total}>{totalText(total)}</p>}
      {!isEmpty && <Table {...table} />}
      <More
        hasMore={hasNextPage}
        isLoading={isFetchingNextPage}
        onMore={() => void query.fetchNextPage()}
      />
    </>
  );
}

function totalText({ count, isExact }: Total): string {
  const number = formatNumber(count);
  return isExact ? commonTexts.total(number) : commonTexts.totalAtLeast(number);
}

/** What is shown in place of a list whose filters match nothing. */
export function NothingMatches() {
  return (
    <EmptyState icon={<SearchX />} title={commonTexts.noneTitle}>
      {commonTexts.noneText}
    </EmptyState>
  );
}
