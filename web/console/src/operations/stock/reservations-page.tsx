import { PackageCheck } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../../app/pages/page.tsx";
import { useShopPages } from "../../api/use-shop.ts";
import { operationsTexts, stockTexts } from "../../texts/operations.ts";
import { formatNumber } from "../../ui/format.ts";
import { List } from "../../ui/lists/list.tsx";
import { Badge, EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/lists/table.tsx";
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
  return (
    <Page title={stockTexts.reservationsTitle}>
      <p className={styles.intro}>{stockTexts.reservationsIntro}</p>
      <List
        caption={stockTexts.reservationsTitle}
        columns={columns}
        rows={query.pages.flat()}
        keyOf={({ id }) => id}
        query={query}
        empty={
          <EmptyState icon={<PackageCheck />} title={stockTexts.noneHeldTitle}>
            {stockTexts.noneHeldText}
          </EmptyState>
        }
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
