import { userType } from "../../../core/access.ts";
import { withoutBlankSearch, type RelayConnection } from "../../../core/relay-connection.ts";
import {
  FilteredRows,
  type FilterValues,
  type SortKey,
} from "../../../database/pages/keyset-statements.ts";
import { readConnection, type Sort } from "../../../database/pages/keyset.ts";
import { emailKey } from "./email-key.ts";
import { publicUser, type StoredUser } from "../user.ts";
import type { User, UserFilter, UsersPage, UserSort } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { userColumns } from "./user.model.ts";

/** Parameters: `$2` … `$4` are the filters, and for pages, `$5` … `$8` the ends of the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $5::uuid AND id < $6::uuid" };
const byUsername: SortKey = {
  kind: "text",
  sql: 'lower(username) COLLATE "C"',
  within: `(lower(username) COLLATE "C", id) > ($7::text, $5::uuid)
    AND (lower(username) COLLATE "C", id) < ($8::text, $6::uuid)`,
};

const sorts: Record<UserSort, Sort> = {
  OLDEST_FIRST: { key: byId, isDescending: false },
  NEWEST_FIRST: { key: byId, isDescending: true },
  USERNAME_ASC: { key: byUsername, isDescending: false },
  USERNAME_DESC: { key: byUsername, isDescending: true },
};

const accounts = {
  select: `SELECT ${userColumns}`,
  from: "FROM users",
  where: "true",
};

const filters = {
  type: {
    // Most accounts are customers, so only the others have an index.
    found: "type <> 0 AND type = $2::smallint",
    held: "($2::smallint IS NULL OR type = $2)",
  },
  search: {
    // chr(1114111) is the last Unicode character.
    found: `(lower(username) COLLATE "C" >= lower($3::text)
        AND lower(username) COLLATE "C" < lower($3) || chr(1114111)
      OR email_key COLLATE "C" >= $4::text AND email_key COLLATE "C" < $4 || chr(1114111))`,
    held: `($3::text IS NULL OR starts_with(lower(username), lower($3))
      OR starts_with(email_key, $4::text))`,
  },
};

/** Returns the parameters `$2` … `$4`. */
function parametersOf({ search, type }: UserFilter): unknown[] {
  return [type ?? null, search ?? null, search === undefined ? null : emailKey(search)];
}

function filterValuesOf(filter: UserFilter): FilterValues<keyof typeof filters> {
  const { search, type } = filter;
  const byType = { name: "type" as const, alone: parametersOf(type === undefined ? {} : { type }) };
  const bySearch = {
    name: "search" as const,
    alone: parametersOf(search === undefined ? {} : { search }),
  };
  return {
    indexed: [
      ...(type === undefined || type === userType.default ? [] : [byType]),
      ...(search === undefined ? [] : [bySearch]),
    ],
    parameters: parametersOf(filter),
  };
}

/** Reads pages of accounts and counts accounts. */
export function userConnection({ query }: UsersDatabase) {
  const filtered = new FilteredRows(query, accounts, filters);
  return {
    async page({ sort = "OLDEST_FIRST", ...params }: UsersPage): Promise<RelayConnection<User>> {
      const order = sorts[sort];
      const values = filterValuesOf(withoutBlankSearch(params));
      const page = await readConnection<StoredUser>(`users.${sort}`, order, params, (window) =>
        filtered.read(values, order.key, window),
      );
      const edges = page.edges.map(({ cursor, node }) => ({ cursor, node: publicUser(node) }));
      return { ...page, edges };
    },
    count: (filter: UserFilter) => filtered.count(filterValuesOf(withoutBlankSearch(filter))),
  };
}
