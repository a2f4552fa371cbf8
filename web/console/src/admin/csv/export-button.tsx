import { useEffect, useRef, useState } from "react";
import { Download, Square } from "lucide-react";
import { errorText } from "../../api/error-text.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { Button } from "../../ui/actions/button.tsx";
import { showToast } from "../../ui/toast.tsx";
import { saveCsv } from "./save-csv.ts";
import { csvOf, type Cell } from "./write-csv.ts";

interface ExportButtonProps {
  /** Without its extension. The date is added. */
  fileName: string;
  columns: readonly string[];
  /** Reads the rows from the shop, page by page. */
  rows: (signal: AbortSignal) => AsyncIterable<readonly Cell[]>;
  isDisabled?: boolean;
}

/** The number of rows after which the progress is shown again. */
const progressRows = 100;

/** Reads all rows of a list and saves them as a CSV file. A second press stops it. */
export function ExportButton({ fileName, columns, rows, isDisabled }: ExportButtonProps) {
  const [count, setCount] = useState<number>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const run = async () => {
    const controller = new AbortController();
    running.current = controller;
    const parts = [csvOf([columns])];
    let page: (readonly Cell[])[] = [];
    let total = 0;
    setCount(0);
    try {
      for await (const row of rows(controller.signal)) {
        page.push(row);
        total += 1;
        if (page.length < progressRows) continue;
        parts.push(csvOf(page));
        page = [];
        setCount(total);
      }
      parts.push(csvOf(page));
      saveCsv(fileName, parts);
      showToast(adminTexts.exported(total));
    } catch (error) {
      if (!controller.signal.aborted) showToast(adminTexts.exportFailed(errorText(error)));
    }
    setCount(undefined);
  };
  if (count === undefined) {
    return (
      <Button isDisabled={isDisabled} onPress={() => void run()}>
        <Download size={16} aria-hidden /> {adminTexts.exportCsv}
      </Button>
    );
  }
  return (
    <Button
      onPress={() => {
        running.current?.abort();
      }}
    >
      <Square size={14} aria-hidden />
      {adminTexts.stop} ({adminTexts.exporting(count)})
    </Button>
  );
}
