import { PackageCheck } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../../app/page.tsx";
import { useShopPages } from "../../api/use-shop.ts";
import { operationsTexts, stockTexts } from "../../texts/operations.ts";
import { formatNumber } from "../../ui/format.ts";
import { More } from "../../ui/more.tsx";
import { Badge, EmptyState, ErrorState, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { formatClock, formatSeconds } from "../units.ts";
import { HeldReservationsDocument, type HeldReservationsQuery } from "./stock.graphql.ts";
import styles from "./stock.module.css";

type Reservation = HeldReservationsQuery["heldReservations"]["nodes"][number];

const pageRows = 50;
const refreshMs = 5_000;

const columns: readonly Column<Reservation>[] = [
  {
    title: stockTexts.order,
    cell: ({ id }) => (
      <Link href={`/operations/trace/${id}`} className={styles.id}>
        {id}
      </Link>
    ),
  },
  { title: stockTexts.age, cell: ({ ageSeconds }) => formatSeconds(ageSeconds), isNumber: true },
  { title: stockTexts.reserved, cell: ({ at }) => formatClock(at) },
  { title: stockTexts.expires, cell: (reservation) => <Expiry reservation={reservation} /> },
  { title: stockTexts.lines, cell: ({ lines }) => formatNumber(lines), isNumber: true },
  { title: stockTexts.pieces, cell: ({ pieces }) => formatNumber(pieces), isNumber: true },
];

/** The reservations that are neither sold nor released yet. */
export default function ReservationsPage() {
  const query = useShopPages(
    HeldReservationsDocument,
    { first: pageRows },
    (data) => data.heldReservations,
    { refetchInterval: refreshMs },
  );
  const { pages, isPending, isSuccess, error, refetch } = query;
  const rows = pages.flat();
  return (
    <Page title={stockTexts.reservationsTitle}>
      <p className={styles.intro}>{stockTexts.reservationsIntro}</p>
      {isPending && <Skeleton count={4} height={48} />}
      {error && rows.length === 0 && <ErrorState error={error} onRetry={() => void refetch()} />}
      {isSuccess && rows.length === 0 && (
        <EmptyState icon={<PackageCheck />} title={stockTexts.noneHeldTitle}>
          {stockTexts.noneHeldText}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <Table
          caption={stockTexts.reservationsTitle}
          columns={columns}
          rows={rows}
          keyOf={({ id }) => id}
        />
      )}
      <More
        hasMore={query.hasNextPage}
        isLoading={query.isFetchingNextPage}
        onMore={() => void query.fetchNextPage()}
      />
    </Page>
  );
}

function Expiry({ reservation: { at, ageSeconds, expiresAt } }: { reservation: Reservation }) {
  if (expiresAt === null) return operationsTexts.none;
  // By the clock of the shop, which may differ from that of the browser.
  const isOverdue = Date.parse(at) + ageSeconds * 1_000 > Date.parse(expiresAt);
  if (isOverdue) return <Badge kind="warning">{stockTexts.overdue}</Badge>;
  return formatClock(expiresAt);
}
