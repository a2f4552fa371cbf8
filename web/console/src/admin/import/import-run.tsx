import { errorText } from "../../api/error-text.ts";
import { importTexts } from "../../texts/admin/import.ts";
import { useUnsavedEdits } from "../../unsaved/unsaved-edits.ts";
import { Button } from "../../ui/actions/button.tsx";
import { Card, Facts, Row } from "../../ui/card.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Notice } from "../../ui/states.tsx";
import { ErrorTable } from "./error-table.tsx";
import { ImportPreview } from "./import-preview.tsx";
import type { ProductFile } from "./read-file.ts";
import { useImport, type ImportProgress } from "./use-import.ts";
import styles from "./import.module.css";

/**
 * Shows what a file contains, and imports its rows in batches. The import can be stopped, and goes on
 * with the next batch.
 */
export function ImportRun({ file }: { file: ProductFile }) {
  const rows = file.rows.flatMap((row) => ("fault" in row ? [] : [row]));
  const skipped = file.rows.flatMap((row) =>
    "fault" in row ? [{ line: row.line, reason: row.fault }] : [],
  );
  const { progress, start, stop } = useImport(file, rows);
  useUnsavedEdits(() => rows.length > 0 && progress?.state !== "complete");
  if (progress === undefined) {
    return (
      <>
        <ImportPreview file={file} ready={rows} faults={skipped} />
        {rows.length > 0 && (
          <Row>
            <Button look="primary" onPress={start}>
              {importTexts.start(rows.length)}
            </Button>
          </Row>
        )}
      </>
    );
  }
  const { state, error, faults } = progress;
  return (
    <Card title={importTexts.progress}>
      <Counts progress={progress} total={rows.length} skipped={skipped.length} />
      {state === "running" && (
        <Row>
          <Button onPress={stop}>{importTexts.pause}</Button>
        </Row>
      )}
      {state === "stopped" && (
        <Notice
          kind="warning"
          action={
            <Button isSmall onPress={start}>
              {importTexts.resume}
            </Button>
          }
        >
          {error !== undefined && <div>{errorText(error)}</div>}
          {importTexts.stopped}
        </Notice>
      )}
      {state === "complete" && <Notice kind="success">{importTexts.done}</Notice>}
      {faults.length + skipped.length > 0 && <ErrorTable faults={[...skipped, ...faults]} />}
    </Card>
  );
}

interface CountsProps {
  progress: ImportProgress;
  /** The rows that can be imported. */
  total: number;
  skipped: number;
}

function Counts({ progress, total, skipped }: CountsProps) {
  const { done, created, updated, unchanged, faults } = progress;
  return (
    <>
      <progress
        className={styles.progress}
        max={total}
        value={done}
        aria-label={importTexts.progress}
      />
      <p role="status">{importTexts.running(formatNumber(done), total)}</p>
      <Facts
        facts={[
          [importTexts.created, formatNumber(created)],
          [importTexts.updated, formatNumber(updated)],
          [importTexts.unchanged, formatNumber(unchanged)],
          [importTexts.failed, formatNumber(faults.length)],
          [importTexts.skipped, formatNumber(skipped)],
        ]}
      />
    </>
  );
}
