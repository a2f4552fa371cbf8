import { maxAuditEntries, type AuditEntry, type AuditPage } from "../core/audit.ts";
import { lowestIdAt } from "../core/ids/ids.ts";
import { highestId } from "../core/relay-connection.ts";
import type { Query } from "./statements/prepared-statements.ts";

/**
 * The parameters of all statements: $1 is the row limit, $2 the end and $3 the start of the ids, both
 * excluded, and $4 … $10 are the filters.
 */
const actors = "$4::uuid[]";
const subjects = "$5::uuid[]";
const actions = "$6::text[]";
const kind = "$10::text";

/** Actions without an access token by which a client proves that it is the affected user. */
const isBySubject = `actor_kind = 'anonymous' AND outcome = 'OK'
  AND action IN ('REGISTERED', 'LOGGED_IN', 'LOGGED_OUT', 'PASSWORD_RESET')`;

const columns = `id, at, action, outcome, actor_kind AS "actorKind", actor_id AS "actorId", address,
  subject_id AS "subjectId", detail::text AS detail`;

/** Checked for each row, so that the planner does not choose an index by it. */
const isMatch = `CASE WHEN (${actors} IS NULL OR actor_id = ANY (${actors})
      OR subject_id = ANY (${actors}) AND ${isBySubject})
    AND (${subjects} IS NULL OR subject_id = ANY (${subjects}))
    AND (${actions} IS NULL OR action = ANY (${actions}))
    AND (${kind} IS NULL OR actor_kind = ${kind})
    AND ($7::boolean IS NULL OR (outcome <> 'OK') = $7)
    AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
  THEN true END`;

/** Composes a statement of literals. */
const sql = (...parts: string[]) => parts.join(" ");

/** Reads the entries of a condition on an index whose last column is the id. */
const along = (condition: string, order: string) =>
  sql("SELECT", columns, "FROM audit_trail WHERE", condition, "AND", isMatch, order, "LIMIT $1");

/**
 * Reads the entries of each value of a filter by the index of its column. The comparison of rows and
 * the order keep the planner from the primary key, along which it would read all entries.
 */
const ofEach = (values: string, condition: string, order: string) =>
  sql(
    "SELECT entry.* FROM unnest(",
    values,
    ") AS wanted (value), LATERAL (",
    along(condition, order),
    ") entry",
  );

const newest = (...entries: string[]) =>
  sql("SELECT * FROM (", entries.join(" UNION "), ") AS entries ORDER BY id DESC LIMIT $1");

const newestFirst = "ORDER BY id DESC";
const bySubjectNewestFirst = "ORDER BY subject_id DESC, id DESC";
const isOfActor = `actor_id IS NOT NULL AND (actor_id, id) < (wanted.value, $2::uuid)
  AND (actor_id, id) > (wanted.value, $3::uuid)`;
const isOfSubject = `subject_id IS NOT NULL AND (subject_id, id) < (wanted.value, $2::uuid)
  AND (subject_id, id) > (wanted.value, $3::uuid)`;
const isOfAction = `(action, id) < (wanted.value, $2::uuid)
  AND (action, id) > (wanted.value, $3::uuid)`;
const window = "id < $2::uuid AND id > $3::uuid";

const statements = {
  bySubject: newest(ofEach(subjects, isOfSubject, bySubjectNewestFirst)),
  byActor: newest(
    ofEach(actors, isOfActor, "ORDER BY actor_id DESC, id DESC"),
    ofEach(actors, `${isOfSubject} AND ${isBySubject}`, bySubjectNewestFirst),
  ),
  byAction: newest(ofEach(actions, isOfAction, "ORDER BY action DESC, id DESC")),
  byKind: along(
    `(actor_kind, id) < (${kind}, $2::uuid) AND (actor_kind, id) > (${kind}, $3::uuid)`,
    "ORDER BY actor_kind DESC, id DESC",
  ),
  rejected: along(`outcome <> 'OK' AND ${window}`, newestFirst),
  all: along(window, newestFirst),
};

/** Returns the statement that uses the index of the filter with the fewest entries. */
function statementFor(page: AuditPage): string {
  const { actorIds, subjectIds, actions: names, rejected, actorKind } = page;
  if (subjectIds !== undefined) return statements.bySubject;
  if (actorIds !== undefined) return statements.byActor;
  if (names !== undefined) return statements.byAction;
  if (actorKind !== undefined) return statements.byKind;
  return rejected === true ? statements.rejected : statements.all;
}

/** An id has the time of the node that made the entry, which may differ from that of the database. */
const idToleranceMs = 600_000;

/** Returns a page of entries, newest first. */
export async function readAuditTrail(query: Query, page: AuditPage): Promise<AuditEntry[]> {
  const { limit = maxAuditEntries, before = highestId, since, until } = page;
  const { actorIds, subjectIds, actions: names, rejected, actorKind } = page;
  const first = since === undefined ? 0 : Date.parse(since) - idToleranceMs;
  const end = until === undefined ? highestId : lowestIdAt(Date.parse(until) + idToleranceMs);
  const rows = await query<Omit<AuditEntry, "at"> & { at: Date }>(statementFor(page), [
    limit,
    before < end ? before : end,
    lowestIdAt(first),
    distinct(actorIds),
    distinct(subjectIds),
    distinct(names),
    rejected ?? null,
    since ?? null,
    until ?? null,
    actorKind ?? null,
  ]);
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** A statement reads the entries of each value once. */
function distinct(values: string[] | undefined): string[] | null {
  return values === undefined ? null : [...new Set(values)];
}
