import { ClipboardCheck } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../../app/pages/page.tsx";
import { errorText } from "../../api/error-text.ts";
import { useShopMutation, useShopQuery } from "../../api/use-shop.ts";
import { stockTexts } from "../../texts/operations.ts";
import { Button } from "../../ui/actions/button.tsx";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { EmptyState, Notice, QueryState } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/lists/table.tsx";
import { showToast } from "../../ui/toast.tsx";
import {
  AuditStockDocument,
  LastStockAuditDocument,
  type StockAuditFactsFragment,
} from "./stock.graphql.ts";
import styles from "./stock.module.css";

type Report = NonNullable<StockAuditFactsFragment["report"]>;
type Difference = Report["differences"][number];

const refreshMs = 5_000;

const columns: readonly Column<Difference>[] = [
  {
    title: stockTexts.product,
    cell: ({ productId }) => (
      <Link href={`/products/${productId}`} className={styles.id}>
        {productId}
      </Link>
    ),
  },
  { title: stockTexts.stock, cell: ({ stock }) => formatNumber(stock), isNumber: true },
  { title: stockTexts.heldPieces, cell: ({ held }) => formatNumber(held), isNumber: true },
  { title: stockTexts.onHand, cell: ({ onHand }) => formatNumber(onHand), isNumber: true },
  {
    title: stockTexts.difference,
    cell: ({ stock, held, onHand }) => <strong>{formatNumber(stock + held - onHand)}</strong>,
    isNumber: true,
  },
];

/** The last audit of the stock, and the button that runs one now. */
export default function AuditPage() {
  const query = useShopQuery(LastStockAuditDocument, {}, { refetchInterval: refreshMs });
  const run = useShopMutation(AuditStockDocument, {
    invalidates: [LastStockAuditDocument],
    onSuccess({ auditStock: { isRunning } }) {
      if (!isRunning) showToast(stockTexts.finished);
    },
  });
  const audit = query.data?.stockAudit;
  const isRunning = run.isPending || audit?.isRunning === true;
  const button = (
    <Button
      look="primary"
      isPending={isRunning}
      onPress={() => {
        run.mutate({});
      }}
    >
      {stockTexts.run}
    </Button>
  );
  return (
    <Page title={stockTexts.auditTitle} actions={button}>
      <p className={styles.intro}>{stockTexts.auditIntro}</p>
      {run.error && <Notice kind="danger">{errorText(run.error)}</Notice>}
      {isRunning && <Notice kind="info">{stockTexts.running}</Notice>}
      {!audit && <QueryState query={query} count={2} height={120} />}
      {audit?.report === null && (
        <EmptyState icon={<ClipboardCheck />} title={stockTexts.never}>
          {stockTexts.neverText}
        </EmptyState>
      )}
      {audit?.report && <ReportView report={audit.report} auditedAt={audit.auditedAt} />}
    </Page>
  );
}

function ReportView({ report, auditedAt }: { report: Report; auditedAt: string | null }) {
  const { differences, deadLetters } = report;
  return (
    <>
      {differences.length === 0 ? (
        <Notice kind="success">{stockTexts.right}</Notice>
      ) : (
        <Notice kind="danger">{stockTexts.wrong(differences.length)}</Notice>
      )}
      {deadLetters > 0 && (
        <Notice
          kind="warning"
          action={<Link href="/operations/events/products">{stockTexts.facts.deadLetters}</Link>}
        >
          {stockTexts.letters(deadLetters)}
        </Notice>
      )}
      <dl className={styles.facts}>
        {factNames.map((name) => (
          <div key={name} className={styles.fact}>
            <dt>{stockTexts.facts[name]}</dt>
            <dd>{formatNumber(report[name])}</dd>
          </div>
        ))}
      </dl>
      {auditedAt !== null && (
        <p className={styles.intro}>{stockTexts.last(formatTime(auditedAt))}</p>
      )}
      {differences.length > 0 && (
        <Table
          caption={stockTexts.differences}
          columns={columns}
          rows={differences}
          keyOf={({ productId }) => productId}
        />
      )}
    </>
  );
}

const factNames = ["products", "changes", "held", "deadLetters", "notSold", "notReturned"] as const;
