import { useState } from "react";
import { ScrollText } from "lucide-react";
import { Link } from "wouter";
import { actorKindTexts, auditKindTexts, auditTexts } from "../../texts/admin/audit.ts";
import { Button } from "../../ui/button.tsx";
import { formatTime } from "../../ui/format.ts";
import { Badge, EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { Row } from "../shared/card.tsx";
import { periodFaults } from "../shared/filter-faults.ts";
import { useFilters, WrongFilters } from "../shared/filters.tsx";
import { List } from "../shared/list.tsx";
import { AuditFilterBar } from "./audit-filter-bar.tsx";
import { detailsOf, kindOf, personOf, rejectionText } from "./audit-facts.ts";
import { filterNames, isMatch } from "./audit-filter.ts";
import type { AuditFactsFragment } from "./audit.graphql.ts";
import { trails, useNames, useAuditTrail, type Trail } from "./use-audit-trail.ts";
import styles from "./audit.module.css";

type NameOf = (actorId: string) => string | undefined;

function columnsOf(trail: Trail, nameOf: NameOf): readonly Column<AuditFactsFragment>[] {
  return [
    { title: auditTexts.when, cell: ({ at }) => formatTime(at) },
    {
      title: auditTexts.actor,
      cell: (entry) => <Actor entry={entry} nameOf={nameOf} />,
    },
    { title: auditTexts.action, cell: (entry) => auditKindTexts[kindOf(entry)] },
    {
      title: auditTexts.outcome,
      cell: ({ outcome }) =>
        outcome === "OK" ? (
          <Badge kind="success">{auditTexts.ok}</Badge>
        ) : (
          <Badge kind="danger">{rejectionText(outcome)}</Badge>
        ),
    },
    {
      title: auditTexts.subject,
      cell: ({ subjectId }) =>
        subjectId === null ? (
          ""
        ) : (
          <Link href={`/admin/${trail}/${subjectId}`}>{nameOf(subjectId) ?? subjectId}</Link>
        ),
    },
    { title: auditTexts.detail, cell: (entry) => <Details entry={entry} /> },
  ];
}

function Actor({ entry, nameOf }: { entry: AuditFactsFragment; nameOf: NameOf }) {
  const { actorKind, address } = entry;
  const id = personOf(entry);
  return (
    <div>
      {id === null ? (
        actorKindTexts[actorKind]
      ) : (
        <Link href={`/admin/users/${id}`}>{nameOf(id) ?? id.slice(-8)}</Link>
      )}
      {address !== null && <div className={styles.note}>{address}</div>}
    </div>
  );
}

/** The details of an entry, whose fields depend on the action. */
function Details({ entry }: { entry: AuditFactsFragment }) {
  return (
    <div className={styles.note}>
      {detailsOf(entry).map(([name, value]) => (
        <div key={name}>
          {name}: {value}
        </div>
      ))}
    </div>
  );
}

/** Who has done what, and when: changes and rejected attempts. */
export default function AuditPage() {
  const [filters, change] = useFilters(filterNames);
  const trail = trails.find((value) => value === filters.trail) ?? "users";
  const query = useAuditTrail(trail);
  const { nameOf, isReading } = useNames(query.pages);
  const [named, setNamed] = useState<Trail>();
  // Names that came after the rows would move them. Later, rows stay while names of new ones are read.
  if (query.isSuccess && !isReading && named !== trail) setNamed(trail);
  const isPending = query.isPending || (query.isSuccess && named !== trail);
  const entries = isPending ? [] : query.pages.flat();
  const rows = entries.filter((entry) => isMatch(entry, filters, nameOf));
  const isFiltered = filterNames.some((name) => name !== "trail" && filters[name] !== "");
  const faults = periodFaults(filters);
  const isWrong = Object.keys(faults).length > 0;
  const oldest = entries.at(-1);
  return (
    <AdminPage title={auditTexts.title}>
      <AuditFilterBar
        trail={trail}
        filters={filters}
        faults={faults}
        isFiltered={isFiltered}
        entries={entries}
        onChange={change}
      />
      {isFiltered && !isWrong && oldest && (
        <Row>
          <span role="status">{auditTexts.searched(entries.length, formatTime(oldest.at))}</span>
          {query.hasNextPage && (
            <Button
              isSmall
              isPending={query.isFetchingNextPage}
              onPress={() => void query.fetchNextPage()}
            >
              {auditTexts.older}
            </Button>
          )}
        </Row>
      )}
      {isWrong ? (
        <WrongFilters faults={faults} />
      ) : (
        <List
          caption={auditTexts.title}
          columns={columnsOf(trail, nameOf)}
          rows={rows}
          keyOf={({ id }) => id}
          // A filter that matches little would read the whole trail by itself.
          query={{
            ...query,
            isPending,
            isSuccess: query.isSuccess && !isPending,
            hasNextPage: query.hasNextPage && !isFiltered && !isPending,
          }}
          isFiltered={isFiltered}
          empty={<EmptyState icon={<ScrollText />} title={auditTexts.emptyTitle} />}
        />
      )}
    </AdminPage>
  );
}
