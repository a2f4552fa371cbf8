import { importTexts } from "../../texts/admin/import.ts";
import { formatNumber } from "../../ui/format.ts";
import { Notice } from "../../ui/states.tsx";
import { Table } from "../../ui/table.tsx";
import { Card } from "../shared/card.tsx";
import { ErrorTable } from "./error-table.tsx";
import type { RowValues } from "./columns.ts";
import type { ProductFile } from "./read-file.ts";
import styles from "./import.module.css";

const previewRows = 8;
const shownColumns = ["id", "sku", "name", "description", "price", "stock", "version"] as const;

/** Shows the first rows of a file as they are understood, and the rows that cannot be read. */
export function ImportPreview({ file: { columns, rows } }: { file: ProductFile }) {
  const readable = rows.flatMap((row) => ("fault" in row ? [] : [row]));
  const faults = rows.flatMap((row) =>
    "fault" in row ? [{ line: row.line, reason: row.fault }] : [],
  );
  const shown = readable.slice(0, previewRows);
  const cells = shownColumns.filter((name) => columns.includes(name));
  return (
    <Card
      title={importTexts.preview}
      note={importTexts.previewOf(formatNumber(shown.length), formatNumber(rows.length))}
    >
      <Notice kind="success">{importTexts.ready(formatNumber(readable.length))}</Notice>
      {faults.length > 0 && (
        <Notice kind="warning">{importTexts.faults(formatNumber(faults.length))}</Notice>
      )}
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
