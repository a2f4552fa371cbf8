import { importTexts } from "../../texts/admin/import.ts";
import { Notice } from "../../ui/states.tsx";
import { Table } from "../../ui/lists/table.tsx";
import { Card } from "../../ui/card.tsx";
import { ErrorTable } from "./error-table.tsx";
import type { RowFault } from "./run-import.ts";
import type { RowValues } from "./columns.ts";
import type { ReadRow } from "./match-rows.ts";
import type { ProductFile } from "./read-file.ts";
import styles from "./import.module.css";

const previewRows = 8;
const shownColumns = ["id", "sku", "name", "description", "price", "stock", "version"] as const;

interface ImportPreviewProps {
  file: ProductFile;
  ready: readonly ReadRow[];
  faults: readonly RowFault[];
}

/** Shows the first rows of a file as they are understood, and the rows with errors. */
export function ImportPreview({ file: { columns }, ready, faults }: ImportPreviewProps) {
  const shown = ready.slice(0, previewRows);
  const cells = shownColumns.filter((name) => columns.includes(name));
  return (
    <Card
      title={importTexts.preview}
      note={shown.length > 0 ? importTexts.previewOf(shown.length, ready.length) : undefined}
    >
      {ready.length > 0 ? (
        <Notice kind="success">{importTexts.ready(ready.length)}</Notice>
      ) : (
        <Notice kind="danger">{importTexts.noneReady}</Notice>
      )}
      {faults.length > 0 && <Notice kind="warning">{importTexts.faults(faults.length)}</Notice>}
      {columns.includes("stock") && <Notice kind="info">{importTexts.stockWarning}</Notice>}
      {shown.length > 0 && (
        <div className={styles.wide}>
          <Table
            caption={importTexts.preview}
            columns={[
              { title: importTexts.line, cell: ({ line }) => line },
              ...cells.map((name) => ({
                title: name,
                cell: ({ values }: { values: RowValues }) => (
                  <span className={styles.cell}>{values[name] ?? ""}</span>
                ),
              })),
            ]}
            rows={shown}
            keyOf={({ line }) => String(line)}
          />
        </div>
      )}
      {faults.length > 0 && <ErrorTable faults={faults} />}
    </Card>
  );
}
