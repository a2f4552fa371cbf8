import { ScrollText } from "lucide-react";
import { Link } from "wouter";
import { actorKindTexts, auditActionTexts, auditTexts } from "../../texts/admin/audit.ts";
import { Button } from "../../ui/button.tsx";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { Badge, EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { Row } from "../shared/card.tsx";
import { useFilters } from "../shared/filters.tsx";
import { List } from "../shared/list.tsx";
import { AuditFilterBar } from "./audit-filter-bar.tsx";
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
      cell: ({ actorId, actorKind, address }) => (
        <div>
          {actorId === null ? (
            actorKindTexts[actorKind]
          ) : (
            <Link href={`/admin/users/${actorId}`}>{nameOf(actorId) ?? actorId.slice(-8)}</Link>
          )}
          {address !== null && <div className={styles.note}>{address}</div>}
        </div>
      ),
    },
    { title: auditTexts.action, cell: ({ action }) => auditActionTexts[action] },
    {
      title: auditTexts.outcome,
      cell: ({ outcome }) =>
        outcome === "OK" ? (
          <Badge kind="success">{auditTexts.ok}</Badge>
        ) : (
          <Badge kind="danger">{outcome}</Badge>
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
    { title: auditTexts.detail, cell: ({ detail }) => <Detail json={detail} /> },
  ];
}

/** The details of an entry, whose fields depend on the action. */
function Detail({ json }: { json: string | null }) {
  if (json === null) return null;
  const fields = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return (
    <div className={styles.note}>
      {fields.map(([name, value]) => (
        <div key={name}>
          {name}: {typeof value === "string" ? value : JSON.stringify(value)}
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
  const nameOf = useNames(query.pages);
  const entries = query.pages.flat();
  const rows = entries.filter((entry) => isMatch(entry, filters, nameOf));
  const isFiltered = filterNames.some((name) => name !== "trail" && filters[name] !== "");
  const oldest = entries.at(-1);
  return (
    <AdminPage title={auditTexts.title}>
      <AuditFilterBar
        trail={trail}
        filters={filters}
        isFiltered={isFiltered}
        entries={entries}
        onChange={change}
      />
      {isFiltered && oldest && (
        <Row>
          <span role="status">
            {auditTexts.searched(formatNumber(entries.length), formatTime(oldest.at))}
          </span>
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
      <List
        caption={auditTexts.title}
        columns={columnsOf(trail, nameOf)}
        rows={rows}
        keyOf={({ id }) => id}
        // A filter that matches little would read the whole trail by itself.
        query={isFiltered ? { ...query, hasNextPage: false } : query}
        isFiltered={isFiltered}
        empty={<EmptyState icon={<ScrollText />} title={auditTexts.emptyTitle} />}
      />
    </AdminPage>
  );
}
