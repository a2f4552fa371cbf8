import { useEffect, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { errorText } from "../../api/error-text.ts";
import { invalidate } from "../../api/use-shop.ts";
import { importTexts } from "../../texts/admin/import.ts";
import { useUnsavedEdits } from "../../unsaved/unsaved-edits.ts";
import { Button } from "../../ui/button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Notice } from "../../ui/states.tsx";
import { Card, Facts, Row } from "../shared/card.tsx";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
} from "../products/products.graphql.ts";
import { ErrorTable } from "./error-table.tsx";
import { ImportPreview } from "./import-preview.tsx";
import type { ReadRow } from "./match-rows.ts";
import type { ProductFile } from "./read-file.ts";
import { importRows, type ImportCounts, type RowFault } from "./run-import.ts";
import styles from "./import.module.css";

interface Progress extends ImportCounts {
  done: number;
  faults: RowFault[];
  state: "running" | "stopped" | "complete";
  /** Why the import has stopped by itself. */
  error?: unknown;
}

const nothing: Progress = {
  created: 0,
  updated: 0,
  unchanged: 0,
  done: 0,
  faults: [],
  state: "running",
};

/**
 * Shows what a file contains, and imports its rows in batches. The import can be stopped, and goes on
 * with the next batch.
 */
export function ImportRun({ file }: { file: ProductFile }) {
  const client = useQueryClient();
  const rows = file.rows.flatMap((row) => ("fault" in row ? [] : [row]));
  const skipped = file.rows.flatMap((row) =>
    "fault" in row ? [{ line: row.line, reason: row.fault }] : [],
  );
  const [run, setRun] = useState<{ file: ProductFile; progress: Progress }>();
  const progress = run?.file === file ? run.progress : undefined;
  useUnsavedEdits(() => rows.length > 0 && progress?.state !== "complete");
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), [file]);
  const start = async (before: Progress) => {
    const controller = new AbortController();
    running.current = controller;
    let now: Progress = { ...before, state: "running", error: undefined };
    const show = (next: Progress) => {
      now = next;
      setRun({ file, progress: next });
    };
    show(now);
    try {
      const rest: ReadRow[] = rows.slice(now.done);
      for await (const batch of importRows(rest, controller.signal)) {
        show({
          ...now,
          created: now.created + batch.created,
          updated: now.updated + batch.updated,
          unchanged: now.unchanged + batch.unchanged,
          done: now.done + batch.rows,
          faults: [...now.faults, ...batch.faults],
        });
      }
      show({ ...now, state: "complete" });
    } catch (error) {
      const isStopped = controller.signal.aborted;
      show({ ...now, state: "stopped", error: isStopped ? undefined : error });
    }
    await invalidate(client, [AdminProductRowsDocument, AdminProductViewDocument]);
  };
  if (progress === undefined) {
    return (
      <>
        <ImportPreview file={file} ready={rows} faults={skipped} />
        {rows.length > 0 && (
          <Row>
            <Button look="primary" onPress={() => void start(nothing)}>
              {importTexts.start(rows.length)}
            </Button>
          </Row>
        )}
      </>
    );
  }
  const { state, error, done, created, updated, unchanged, faults } = progress;
  return (
    <Card title={importTexts.progress}>
      <progress
        className={styles.progress}
        max={rows.length}
        value={done}
        aria-label={importTexts.progress}
      />
      <p role="status">{importTexts.running(formatNumber(done), rows.length)}</p>
      <Facts
        facts={[
          [importTexts.created, formatNumber(created)],
          [importTexts.updated, formatNumber(updated)],
          [importTexts.unchanged, formatNumber(unchanged)],
          [importTexts.failed, formatNumber(faults.length)],
          [importTexts.skipped, formatNumber(skipped.length)],
        ]}
      />
      {state === "running" && (
        <Row>
          <Button
            onPress={() => {
              running.current?.abort();
            }}
          >
            {importTexts.pause}
          </Button>
        </Row>
      )}
      {state === "stopped" && (
        <Notice
          kind="warning"
          action={
            <Button isSmall onPress={() => void start(progress)}>
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
