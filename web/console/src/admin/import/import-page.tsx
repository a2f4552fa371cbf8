import { useEffect, useRef, useState } from "react";
import { Upload } from "lucide-react";
import { DropZone } from "react-aria-components/DropZone";
import { FileTrigger } from "react-aria-components/FileTrigger";
import { errorText } from "../../api/error-text.ts";
import { importTexts } from "../../texts/admin/import.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { Button } from "../../ui/actions/button.tsx";
import { Notice } from "../../ui/states.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { Card } from "../../ui/card.tsx";
import { ImportRun } from "./import-run.tsx";
import { readFile, type ProductFile } from "./read-file.ts";
import { checkRows } from "./run-import.ts";
import styles from "./import.module.css";

/** Creates and changes products from a CSV file: choice, preview, progress and errors. */
export default function ImportPage() {
  const { file, fault, isChecking, open, cancel } = useChosenFile();
  return (
    <AdminPage title={importTexts.title}>
      <BackLink href="/admin/products">{adminProductTexts.back}</BackLink>
      <p>{importTexts.intro}</p>
      <Card title={importTexts.columnsAre} note={importTexts.columnsText}>
        <DropZone
          className={styles.drop ?? ""}
          aria-label={importTexts.choose}
          onDrop={({ items }) => {
            const [item] = items.filter(({ kind }) => kind === "file");
            if (item?.kind === "file") void item.getFile().then(open);
          }}
        >
          <FileTrigger
            acceptedFileTypes={[".csv", "text/csv"]}
            onSelect={(files) => void open(files?.item(0))}
          >
            <Button look={file ? "secondary" : "primary"}>
              <Upload size={16} aria-hidden />
              {file ? importTexts.otherFile : importTexts.choose}
            </Button>
          </FileTrigger>
          <span className={styles.hint}>{file?.name ?? importTexts.drop}</span>
        </DropZone>
        {fault !== undefined && <Notice kind="danger">{fault}</Notice>}
      </Card>
      {isChecking && (
        <Notice
          kind="info"
          action={
            <Button isSmall onPress={cancel}>
              {adminTexts.cancel}
            </Button>
          }
        >
          {importTexts.checking}
        </Notice>
      )}
      {file && <ImportRun file={file} />}
    </AdminPage>
  );
}

/** The file that the user has chosen, and what is wrong with it. A new choice ends the reading before. */
function useChosenFile() {
  const [file, setFile] = useState<ProductFile>();
  const [fault, setFault] = useState<string>();
  const [isChecking, setChecking] = useState(false);
  const reading = useRef<AbortController>(undefined);
  useEffect(() => () => reading.current?.abort(), []);
  const open = async (chosen: File | null | undefined) => {
    if (!chosen) return;
    reading.current?.abort();
    const controller = new AbortController();
    reading.current = controller;
    setFile(undefined);
    setFault(undefined);
    setChecking(true);
    const result = await readChecked(chosen, controller.signal);
    // Another file was chosen meanwhile, or the user has cancelled.
    if (controller.signal.aborted) return;
    setChecking(false);
    if (typeof result === "string") setFault(result);
    else setFile(result);
  };
  const cancel = () => {
    reading.current?.abort();
    setChecking(false);
  };
  return { file, fault, isChecking, open, cancel };
}

/** Reads a file and compares its rows with the products. Returns the sentence about what failed. */
async function readChecked(chosen: File, signal: AbortSignal): Promise<ProductFile | string> {
  try {
    const result = await readFile(chosen, signal);
    if (typeof result === "string") return result;
    return { ...result, rows: await checkRows(result.rows, signal) };
  } catch (error) {
    return errorText(error);
  }
}
