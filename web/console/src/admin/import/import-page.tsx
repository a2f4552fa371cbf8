import { useState } from "react";
import { Upload } from "lucide-react";
import { DropZone } from "react-aria-components/DropZone";
import { FileTrigger } from "react-aria-components/FileTrigger";
import { importTexts } from "../../texts/admin/import.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { Button } from "../../ui/button.tsx";
import { Notice } from "../../ui/states.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../shared/back-link.tsx";
import { Card } from "../shared/card.tsx";
import { ImportPreview } from "./import-preview.tsx";
import { ImportRun } from "./import-run.tsx";
import { readFile, type ProductFile } from "./read-file.ts";
import styles from "./import.module.css";

/** Creates and changes products from a CSV file: choice, preview, progress and errors. */
export default function ImportPage() {
  const [file, setFile] = useState<ProductFile>();
  const [fault, setFault] = useState<string>();
  const open = async (chosen: File | null | undefined) => {
    if (!chosen) return;
    const result = await readFile(chosen);
    setFile(typeof result === "string" ? undefined : result);
    setFault(typeof result === "string" ? result : undefined);
  };
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
      {file && (
        <>
          <ImportPreview file={file} />
          <ImportRun file={file} />
        </>
      )}
    </AdminPage>
  );
}
