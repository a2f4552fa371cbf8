import { Users } from "lucide-react";
import { Link } from "wouter";
import { useShopPages } from "../../api/use-shop.ts";
import { userTypes } from "../../session/user-types.ts";
import { adminUserTexts } from "../../texts/admin/users.ts";
import { SelectField } from "../../ui/forms/fields.tsx";
import { Email } from "../../ui/email.tsx";
import { formatTime } from "../../ui/format.ts";
import { EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/lists/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { FilterBar, FilterField, useFilters } from "../shared/filters.tsx";
import { List } from "../../ui/lists/list.tsx";
import { RoleBadge } from "./role-badge.tsx";
import { AdminUserRowsDocument, type AdminUserRowFragment } from "./users.graphql.ts";

const pageRows = 50;
const filterNames = ["q", "type", "sort"] as const;
const types = ["all", "customers", "admins"] as const;
const sorts = ["NEWEST_FIRST", "OLDEST_FIRST", "USERNAME_ASC"] as const;
const typeNumbers = {
  all: undefined,
  customers: userTypes.customer,
  admins: userTypes.admin,
};

const columns: readonly Column<AdminUserRowFragment>[] = [
  {
    title: adminUserTexts.name,
    cell: ({ id, username }) => <Link href={`/admin/users/${id}`}>{username}</Link>,
  },
  { title: adminUserTexts.email, cell: ({ email }) => <Email address={email} /> },
  { title: adminUserTexts.role, cell: (user) => <RoleBadge user={user} /> },
  { title: adminUserTexts.since, cell: ({ createdAt }) => formatTime(createdAt) },
];

/** Search, filters and the list of all users. */
export default function UsersPage() {
  const [filters, change] = useFilters(filterNames);
  const type = types.find((value) => value === filters.type) ?? "all";
  const sort = sorts.find((value) => value === filters.sort) ?? "NEWEST_FIRST";
  const search = filters.q.trim() === "" ? undefined : filters.q;
  const query = useShopPages(
    AdminUserRowsDocument,
    { first: pageRows, search, filter: { type: typeNumbers[type] }, sort },
    (data) => data.usersConnection,
  );
  const isFiltered = search !== undefined || type !== "all";
  return (
    <AdminPage title={adminUserTexts.title}>
      <FilterBar
        isFiltered={isFiltered}
        onClear={() => {
          change({ q: "", type: "" });
        }}
      >
        <FilterField
          type="search"
          label={adminUserTexts.search}
          placeholder={adminUserTexts.searchHint}
          value={filters.q}
          onChange={(q) => {
            change({ q });
          }}
        />
        <SelectField
          label={adminUserTexts.type}
          value={type}
          options={types.map((value) => ({ value, text: adminUserTexts.types[value] }))}
          onChange={(value) => {
            change({ type: value === "all" ? "" : value });
          }}
        />
        <SelectField
          label={adminUserTexts.sort}
          value={sort}
          options={sorts.map((value) => ({ value, text: adminUserTexts.sorts[value] }))}
          onChange={(value) => {
            change({ sort: value === "NEWEST_FIRST" ? "" : value });
          }}
        />
      </FilterBar>
      <List
        caption={adminUserTexts.title}
        columns={columns}
        rows={query.pages.flat()}
        keyOf={({ id }) => id}
        query={query}
        isFiltered={isFiltered}
        empty={<EmptyState icon={<Users />} title={adminUserTexts.emptyTitle} />}
      />
    </AdminPage>
  );
}
