import { useRef, useState } from "react";
import { ClipboardList } from "lucide-react";
import { Link } from "wouter";
import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { Page } from "../../app/pages/page.tsx";
import { shop } from "../../api/shop.ts";
import { errorText } from "../../api/error-text.ts";
import { useShopQuery } from "../../api/use-shop.ts";
import { StatusBadge } from "../../orders/status-badge.tsx";
import { traceTexts } from "../../texts/order-trace.ts";
import { useNavigate } from "../../unsaved/use-navigate.ts";
import { Button } from "../../ui/actions/button.tsx";
import { TextField } from "../../ui/forms/fields.tsx";
import { formatTime } from "../../ui/format.ts";
import { EmptyState, QueryState } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/lists/table.tsx";
import { isId } from "../../api/is-id.ts";
import {
  NewestOrdersDocument,
  OrderByNumberDocument,
  type NewestOrdersQuery,
} from "./trace.graphql.ts";
import styles from "./trace.module.css";

type Order = NewestOrdersQuery["ordersConnection"]["nodes"][number];

const refreshMs = 10_000;

const columns: readonly Column<Order>[] = [
  {
    title: traceTexts.order,
    cell: ({ id, number }) => (
      <Link href={`/operations/trace/${id}`} className={styles.number}>
        {number}
      </Link>
    ),
  },
  { title: traceTexts.customer, cell: ({ user }) => user?.username ?? traceTexts.erasedCustomer },
  { title: traceTexts.placed, cell: ({ createdAt }) => formatTime(createdAt) },
  { title: traceTexts.status, cell: ({ status }) => <StatusBadge status={status} /> },
];

/** Finds an order by its number or id, and shows its trace. */
export default function TraceSearchPage() {
  const query = useShopQuery(NewestOrdersDocument, {}, { refetchInterval: refreshMs });
  const orders = query.data?.ordersConnection.nodes ?? [];
  return (
    <Page title={traceTexts.title}>
      <p className={styles.intro}>{traceTexts.intro}</p>
      <SearchForm />
      <section className={styles.newest}>
        <h2>{traceTexts.newest}</h2>
        {!query.data && <QueryState query={query} count={5} height={48} />}
        {query.data?.ordersConnection.nodes.length === 0 && (
          <EmptyState icon={<ClipboardList />} title={traceTexts.noOrdersTitle} />
        )}
        {orders.length > 0 && (
          <Table
            caption={traceTexts.newest}
            columns={columns}
            rows={orders}
            keyOf={({ id }) => id}
          />
        )}
      </section>
    </Page>
  );
}

function SearchForm() {
  const navigate = useNavigate();
  const [isPending, setPending] = useState(false);
  const [problem, setProblem] = useState<string>();
  const newest = useRef(0);
  const find = async (text: string) => {
    newest.current += 1;
    const search = newest.current;
    setPending(true);
    setProblem(undefined);
    const found = await resultOf(text);
    // Another search was begun meanwhile.
    if (search !== newest.current) return;
    setPending(false);
    if (found.id === undefined) setProblem(found.problem);
    else navigate(`/operations/trace/${found.id}`);
  };
  return (
    <search>
      <form
        className={styles.search}
        onSubmit={(event) => {
          event.preventDefault();
          const text = new FormData(event.currentTarget).get("reference");
          if (typeof text === "string") void find(text.trim());
        }}
      >
        <TextField
          label={traceTexts.search}
          description={traceTexts.searchHint}
          name="reference"
          error={problem}
          isRequired
          autoComplete="off"
        />
        <Button type="submit" look="primary" isPending={isPending}>
          {traceTexts.find}
        </Button>
      </form>
    </search>
  );
}

/** Finds the order that is meant. Returns its id, or the problem with the text. */
async function resultOf(text: string): Promise<{ id?: string; problem?: string }> {
  if (isId(text)) return { id: text.toLowerCase() };
  try {
    const { ordersConnection } = await shop.execute(OrderByNumberDocument, {
      number: text,
    });
    const [order] = ordersConnection.nodes;
    return order === undefined ? { problem: traceTexts.notFound } : { id: order.id };
  } catch (error) {
    // The shop would say the rule of a number, and an id is as good.
    const isNoNumber = isShopError(error, "BAD_USER_INPUT");
    return { problem: isNoNumber ? traceTexts.noReference : errorText(error) };
  }
}
