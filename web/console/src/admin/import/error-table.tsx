import { Download } from "lucide-react";
import { importTexts } from "../../texts/admin/import.ts";
import { Button } from "../../ui/actions/button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Table } from "../../ui/lists/table.tsx";
import { saveCsv } from "../csv/save-csv.ts";
import { csvOf } from "../csv/write-csv.ts";
import type { RowFault } from "./run-import.ts";
import styles from "./import.module.css";

const shownFaults = 100;

/** The rows with errors, with their lines and reasons. */
export function ErrorTable({ faults }: { faults: readonly RowFault[] }) {
  const sorted = faults.toSorted((a, b) => a.line - b.line);
  return (
    <div className={styles.errors}>
      <h3>{importTexts.errors}</h3>
      <div className={styles.scroll}>
        <Table
          caption={importTexts.errors}
          columns={[
            { title: importTexts.line, cell: ({ line }) => line },
            { title: importTexts.error, cell: ({ reason }) => reason },
          ]}
          rows={sorted.slice(0, shownFaults)}
          keyOf={({ line }) => String(line)}
        />
      </div>
      {sorted.length > shownFaults && (
        <p>{importTexts.errorsShown(formatNumber(shownFaults), formatNumber(sorted.length))}</p>
      )}
      <Button
        isSmall
        onPress={() => {
          const rows = sorted.map(({ line, reason }) => [line, reason]);
          saveCsv("import-errors", [csvOf([[importTexts.line, importTexts.error], ...rows])]);
        }}
      >
        <Download size={14} aria-hidden /> {importTexts.saveErrors}
      </Button>
    </div>
  );
}
