type CsvFault = "tooLong" | "openQuote" | "strayQuote";

type Content = { cells: string[] } | { fault: CsvFault };

/** A record of a CSV file with the line at which it begins: its cells, or why it has none. */
export type CsvRecord = { line: number } & Content;

/** Far above a row with the longest texts. */
const maxRecordCharacters = 1_000_000;

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
    const isBlank = text.slice(start, end).trim() === "";
    if (!isBlank) yield { line, ...content };
    start = end + 1;
    line += lines;
  }
}

type RecordText = { end: number; lines: number } & Content;

/**
 * Reads cells until the end of a record. One that fails has only its first line: the lines of a cell are
 * taken for rows only if its quote is not closed.
 */
function recordAt(text: string, start: number): RecordText {
  const failed = (fault: CsvFault) => ({ end: lineEnd(text, start), lines: 1, fault });
  const cells: string[] = [];
  let lines = 1;
  for (let at = start; ;) {
    const cell = cellAt(text, at);
    if (cell === undefined) return failed("openQuote");
    lines += cell.lineEnds;
    if (cell.separator === "other") return failed(lines > 1 ? "openQuote" : "strayQuote");
    cells.push(cell.value);
    if (cell.separator === "end") {
      const isTooLong = cell.end - start > maxRecordCharacters;
      return { end: cell.end, lines, ...(isTooLong ? { fault: "tooLong" } : { cells }) };
    }
    at = cell.end + 1;
  }
}

interface Cell {
  value: string;
  /** The number of line ends in the cell. */
  lineEnds: number;
  /** The place of what follows the cell: a comma, the line end of the record, or nothing valid. */
  end: number;
  separator: "comma" | "end" | "other";
}

const plainCell = /[^",\n]*/y;

/** Returns the cell at a place; undefined if its quote is not closed. */
function cellAt(text: string, start: number): Cell | undefined {
  let value: string;
  let end: number;
  let lineEnds = 0;
  if (text[start] === '"') {
    end = closingQuote(text, start + 1);
    if (end < 0) return undefined;
    const quoted = text.slice(start + 1, end);
    value = quoted.replaceAll('""', '"');
    lineEnds = quoted.split("\n").length - 1;
    end += 1;
    if (text[end] === "\r" && isLineEnd(text, end + 1)) end += 1;
  } else {
    plainCell.lastIndex = start;
    [value = ""] = plainCell.exec(text) ?? [];
    end = start + value.length;
    if (isLineEnd(text, end)) value = value.replace(/\r$/, "");
  }
  const separator = isLineEnd(text, end) ? "end" : text[end] === "," ? "comma" : "other";
  return { value, lineEnds, end, separator };
}

function closingQuote(text: string, start: number): number {
  let quote = text.indexOf('"', start);
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote;
}

function isLineEnd(text: string, at: number): boolean {
  return at >= text.length || text[at] === "\n";
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}
