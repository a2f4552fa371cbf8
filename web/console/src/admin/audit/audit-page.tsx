import { useState } from "react";
import { ScrollText } from "lucide-react";
import { Link } from "wouter";
import { actorKindTexts, auditKindTexts, auditTexts } from "../../texts/admin/audit.ts";
import { formatTime } from "../../ui/format.ts";
import { Badge, EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/lists/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { periodFaults } from "../shared/filter-faults.ts";
import { useFilters, WrongFilters } from "../shared/filters.tsx";
import { List } from "../../ui/lists/list.tsx";
import { AuditFilterBar } from "./audit-filter-bar.tsx";
import { detailsOf, kindOf, personOf, rejectionText } from "./audit-facts.ts";
import { auditFilterOf, auditFilterNames, trails, type Trail } from "./audit-filter.ts";
import type { AuditFactsFragment } from "./audit.graphql.ts";
import { useAuditTrail, useCalled, useNames } from "./use-audit-trail.ts";
import styles from "./audit.module.css";

type NameOf = (actorId: string) => string | undefined;

function columnsOf(trail: Trail, nameOf: NameOf): readonly Column<AuditFactsFragment>[] {
  return [
    { title: auditTexts.when, cell: ({ at }) => formatTime(at) },
    {
      title: auditTexts.actor,
      cell: (entry) => <Actor trail={trail} entry={entry} nameOf={nameOf} />,
    },
    { title: auditTexts.action, cell: (entry) => auditKindTexts[kindOf(entry)] },
    {
      title: auditTexts.outcome,
      cell: ({ outcome }) =>
        outcome === "OK" ? (
          <Badge kind="success">{auditTexts.outcomes.ok}</Badge>
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
          <Named
            filter="subject"
            trail={trail}
            pages={trail}
            id={subjectId}
            name={trail === "webhooks" ? subjectId : nameOf(subjectId)}
          />
        ),
    },
    { title: auditTexts.detail, cell: (entry) => <Details entry={entry} /> },
  ];
}

interface ActorProps {
  trail: Trail;
  entry: AuditFactsFragment;
  nameOf: NameOf;
}

function Actor({ trail, entry, nameOf }: ActorProps) {
  const { actorKind, address } = entry;
  const id = personOf(entry);
  return (
    <div>
      {id === null ? (
        actorKindTexts[actorKind]
      ) : (
        <Named filter="actor" trail={trail} pages="users" id={id} name={nameOf(id)} />
      )}
      {address !== null && <div className={styles.note}>{address}</div>}
    </div>
  );
}

interface NamedProps {
  filter: "actor" | "subject";
  trail: Trail;
  /** The pages of which one shows it. */
  pages: Trail;
  id: string;
  name: string | undefined;
}

/**
 * A link to a user, a product or a webhook. An erased user and a deleted product have no page and no
 * name by which they can be found: their link shows all their entries.
 */
function Named({ filter, trail, pages, id, name }: NamedProps) {
  if (name !== undefined) return <Link href={`/admin/${pages}/${id}`}>{name}</Link>;
  const params = new URLSearchParams({ trail, [filter]: id });
  return <Link href={`/admin/audit?${params}`}>{auditTexts.entriesOf(id.slice(-8))}</Link>;
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
  const [filters, change] = useFilters(auditFilterNames);
  const trail = trails.find((value) => value === filters.trail) ?? "users";
  const actor = useCalled("users", filters.actor);
  const subject = useCalled(trail, filters.subject);
  const faults = {
    ...periodFaults(filters),
    ...(actor.areTooMany && { actor: auditTexts.tooMany }),
    ...(subject.areTooMany && { subject: auditTexts.tooMany }),
  };
  const isWrong = Object.keys(faults).length > 0;
  const failed = [actor, subject].find(({ error }) => error !== null);
  const isKnown = !actor.isPending && !subject.isPending && failed === undefined && !isWrong;
  const query = useAuditTrail(
    trail,
    isKnown ? auditFilterOf(trail, filters, actor.ids, subject.ids) : undefined,
  );
  const { nameOf, isReading } = useNames(query.pages);
  const [named, setNamed] = useState<Trail>();
  // Names that came after the rows would move them. Later, rows stay while names of new ones are read.
  if (query.isSuccess && !isReading && named !== trail) setNamed(trail);
  const isPending = query.isPending || (query.isSuccess && named !== trail);
  const rows = isPending ? [] : query.pages.flat();
  const isFiltered = auditFilterNames.some((name) => name !== "trail" && filters[name] !== "");
  return (
    <AdminPage title={auditTexts.title}>
      <AuditFilterBar
        trail={trail}
        filters={filters}
        faults={faults}
        isFiltered={isFiltered}
        onChange={change}
      />
      {isWrong ? (
        <WrongFilters faults={faults} />
      ) : (
        <List
          caption={auditTexts.title}
          columns={columnsOf(trail, nameOf)}
          rows={rows}
          keyOf={({ id }) => id}
          query={{
            ...query,
            ...failed,
            isPending: isPending && failed === undefined,
            isSuccess: query.isSuccess && !isPending,
          }}
          isFiltered={isFiltered}
          empty={<EmptyState icon={<ScrollText />} title={auditTexts.emptyTitle} />}
        />
      )}
    </AdminPage>
  );
}
