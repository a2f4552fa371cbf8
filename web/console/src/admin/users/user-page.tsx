import { Link } from "wouter";
import { useShopQuery } from "../../api/use-shop.ts";
import { StatusBadge } from "../../orders/status-badge.tsx";
import { useSession } from "../../session/use-session.ts";
import { adminUserTexts } from "../../texts/admin/users.ts";
import { orderTexts } from "../../texts/orders.ts";
import { Email } from "../../ui/email.tsx";
import { formatPrice, formatTime } from "../../ui/format.ts";
import { Notice, QueryState } from "../../ui/states.tsx";
import { Table } from "../../ui/lists/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { Card, Columns, Facts, Row } from "../../ui/card.tsx";
import { EraseButton, ResetButton } from "./account-actions.tsx";
import { RoleBadge } from "./role-badge.tsx";
import { RightsButton, TypeButton } from "./role-actions.tsx";
import { userTypes } from "../../session/user-types.ts";
import { AdminUserViewDocument, type AdminUserViewQuery } from "./users.graphql.ts";

type User = AdminUserViewQuery["user"];

/** The number of orders that the page shows. */
const shownOrders = 10;

/** One account: its role and rights, password reset, erasure and orders. */
export default function UserPage({ id }: { id: string }) {
  const query = useShopQuery(AdminUserViewDocument, { id });
  const user = query.data?.user;
  return (
    <AdminPage title={user?.username ?? adminUserTexts.title}>
      <BackLink href="/admin/users">{adminUserTexts.back}</BackLink>
      {user ? <Account user={user} /> : <QueryState query={query} height={420} />}
    </AdminPage>
  );
}

function Account({ user }: { user: User }) {
  const { email, createdAt, updatedAt } = user;
  return (
    <>
      <Columns>
        <Card title={adminUserTexts.account}>
          <Facts
            facts={[
              [adminUserTexts.email, <Email key="email" address={email} />],
              [adminUserTexts.role, <RoleBadge key="role" user={user} />],
              [adminUserTexts.since, formatTime(createdAt)],
              [adminUserTexts.changed, formatTime(updatedAt)],
            ]}
          />
        </Card>
        <Card title={adminUserTexts.rolesTitle} note={adminUserTexts.rolesNote}>
          <Actions user={user} />
        </Card>
      </Columns>
      <Card
        title={adminUserTexts.orders}
        actions={<Link href={`/admin/orders?user=${user.id}`}>{adminUserTexts.allOrders}</Link>}
      >
        <Orders orders={user.orders ?? []} />
      </Card>
    </>
  );
}

function Actions({ user }: { user: User }) {
  const { viewer, mayOperate } = useSession();
  if (user.id === viewer?.id) return <Notice kind="info">{adminUserTexts.you}</Notice>;
  const isProtected = user.mayOperate && !mayOperate;
  const isAdmin = user.type === userTypes.admin;
  return (
    <>
      {isProtected && <Notice kind="info">{adminUserTexts.protected}</Notice>}
      <Row>
        <TypeButton user={user} isOffered={!isProtected} />
        <RightsButton user={user} isOffered={isAdmin && mayOperate} />
        <ResetButton user={user} isOffered={!isAdmin} />
        <EraseButton user={user} isOffered={!isProtected} />
      </Row>
      {isAdmin && !isProtected && <p>{adminUserTexts.noReset}</p>}
    </>
  );
}

function Orders({ orders }: { orders: NonNullable<User["orders"]> }) {
  if (orders.length === 0) return <p>{adminUserTexts.noOrders}</p>;
  return (
    <Table
      caption={adminUserTexts.orders}
      columns={[
        {
          title: orderTexts.number,
          cell: ({ id, number }) => <Link href={`/admin/orders/${id}`}>{number}</Link>,
        },
        { title: orderTexts.placed, cell: ({ createdAt }) => formatTime(createdAt) },
        { title: orderTexts.status, cell: ({ status }) => <StatusBadge status={status} /> },
        {
          title: orderTexts.total,
          cell: ({ price_total }) => formatPrice(price_total),
          isNumber: true,
        },
      ]}
      rows={orders.slice(0, shownOrders)}
      keyOf={({ id }) => id}
    />
  );
}
