import type { DeadLetterEntry } from "../../core/events/event-progress.ts";
import type { PageArguments, RelayConnection } from "../../core/relay-connection.ts";
import { isoTime } from "../../database/columns.ts";
import { readPageById } from "../../database/pages/keyset.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";

/** 100 payloads of this length stay below NATS's 1 MB. */
const maxPayloadCharacters = 4_000;

const letterColumns = `id, producer, position, reason, ${isoTime("at")} AS at,
  event ->> 'type' AS type, (event ->> 'version')::integer AS version,
  event ->> 'occurredAt' AS "occurredAt",
  coalesce(event #>> '{data,order_id}', event #>> '{data,product_id}', event #>> '{data,user_id}')
    AS "entityId",
  left(coalesce(event ->> 'data', ''), ${maxPayloadCharacters}) AS payload,
  length(coalesce(event ->> 'data', '')) > ${maxPayloadCharacters} AS "payloadIsCut"`;
const letters = { select: `SELECT ${letterColumns}`, from: "FROM dead_letters", where: "true" };

/** Returns a page of the dead letters, in the order in which their events were recorded. */
export function pageOfDeadLetters(
  query: Query,
  page: PageArguments,
): Promise<RelayConnection<DeadLetterEntry>> {
  return readPageById<DeadLetterEntry>(query, "deadLetters", letters, page);
}
