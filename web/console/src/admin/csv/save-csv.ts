/** Without it, Excel reads a file that is opened by a double click in the code page of the system. */
const byteOrderMark = "\uFEFF";

/** Saves a CSV file in the downloads of the browser. The date is added to its name. */
export function saveCsv(name: string, parts: string[]): void {
  const file = new Blob([byteOrderMark, ...parts], { type: "text/csv;charset=utf-8" });
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
