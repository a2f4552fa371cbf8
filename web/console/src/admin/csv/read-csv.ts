type CsvFault = "tooLong" | "openQuote" | "strayQuote";

type Content = { cells: string[] } | { fault: CsvFault };

/** A record of a CSV file with the line at which it begins: its cells, or why it has none. */
export type CsvRecord = { line: number } & Content;

/** Far above a row with the longest texts. A quote that is not closed would swallow all lines. */
const maxRecordCharacters = 20_000;

/**
 * Yields the records of a CSV file (RFC 4180). A record that is not valid loses its first line only, so
 * that one bad row does not swallow the good ones after it.
 */
export function* csvRecords(file: string): Generator<CsvRecord, void, undefined> {
  // Old programs for the Mac end lines so.
  const text = file.includes("\n") ? file : file.replaceAll("\r", "\n");
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  while (start < text.length) {
    const { end, lines, ...content } = recordAt(text, start);
    if (!isBlank(content)) yield { line, ...content };
    start = end + 1;
    line += lines;
  }
}

/** Tells whether a line is empty. Cells without a value have commas between them. */
function isBlank(content: Content): boolean {
  if ("fault" in content) return false;
  const [first = "", ...others] = content.cells;
  return others.length === 0 && first.trim() === "";
}

type RecordText = { end: number; lines: number } & Content;

/** Reads lines until each quote is closed. */
function recordAt(text: string, start: number): RecordText {
  const first = lineEnd(text, start);
  const failed = (fault: CsvFault): RecordText => ({ end: first, lines: 1, fault });
  let hasOpenQuote = false;
  let from = start;
  for (let lines = 1; ; lines += 1) {
    const end = lineEnd(text, from);
    if (end - start > maxRecordCharacters) return failed(lines === 1 ? "tooLong" : "openQuote");
    if (hasOddQuotes(text.slice(from, end))) hasOpenQuote = !hasOpenQuote;
    if (!hasOpenQuote) {
      const cells = cellsOf(text.slice(start, text[end - 1] === "\r" ? end - 1 : end));
      return cells === undefined ? failed("strayQuote") : { end, lines, cells };
    }
    if (end === text.length) return failed("openQuote");
    from = end + 1;
  }
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}

/** Splits a record. Returns undefined if a quote is inside a cell that has no quotes around it. */
function cellsOf(record: string): string[] | undefined {
  if (!record.includes('"')) return record.split(",");
  const cells: string[] = [];
  const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(,|$)/y;
  for (;;) {
    const [, quoted, plain = "", separator] = cell.exec(record) ?? [];
    if (separator === undefined) return undefined;
    cells.push(quoted?.replaceAll('""', '"') ?? plain);
    if (separator === "") return cells;
  }
}
