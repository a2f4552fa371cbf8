import { useEffect, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { invalidate, useMutationSender } from "../../api/use-shop.ts";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
} from "../products/products.graphql.ts";
import type { ProductLines, ReadRow } from "./match-rows.ts";
import type { ProductFile } from "./read-file.ts";
import { importRows, type ImportCounts, type RowFault } from "./run-import.ts";

/** How far an import is, in rows. */
export interface ImportProgress extends ImportCounts {
  done: number;
  faults: RowFault[];
  state: "running" | "stopped" | "complete";
  /** Why the import has stopped by itself. */
  error?: unknown;
}

const nothing: ImportProgress = {
  created: 0,
  updated: 0,
  unchanged: 0,
  done: 0,
  faults: [],
  state: "running",
};

/**
 * Imports the rows of a file. Returns how far the import is, undefined before it begins; and the
 * functions that begin or continue it, and stop it after its present batch.
 */
export function useImport(file: ProductFile, rows: readonly ReadRow[]) {
  const client = useQueryClient();
  const sender = useMutationSender();
  const [run, setRun] = useState<{
    file: ProductFile;
    progress: ImportProgress;
    lines: ProductLines;
  }>();
  const { progress, lines = new Map<string, number>() } = run?.file === file ? run : {};
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), [file]);
  const start = async () => {
    const controller = new AbortController();
    running.current = controller;
    let now: ImportProgress = { ...(progress ?? nothing), state: "running", error: undefined };
    const show = (next: ImportProgress) => {
      now = next;
      setRun({ file, progress: next, lines });
    };
    show(now);
    try {
      const rest = rows.slice(now.done);
      for await (const batch of importRows(rest, lines, sender, controller.signal)) {
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
  const stop = () => {
    running.current?.abort();
  };
  return { progress, start: () => void start(), stop };
}
