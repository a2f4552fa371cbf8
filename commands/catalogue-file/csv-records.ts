/** A line of a file, without its line feed. */
export interface FileLine {
  line: number;
  /** Empty if the line is too long. */
  text: string;
  isTooLong: boolean;
}

/** A record of a CSV file: one line, or several if a quoted cell has line ends. */
export type CsvRecord = FileLine[];

/** Why a record is left out: a quote is not closed, or it is too long. */
export type RecordFault = "openQuote" | "tooLong";

/** What is kept of a record whose quote is not closed. */
export const maxRecordCharacters = 1_000_000;

/** Far above a row with the longest texts, all in escapes of JSON. */
export const maxLineCharacters = 100_000;

/**
 * Yields the lines of a text that comes in parts. A line that is too long is not kept: a file without
 * line ends would fill the memory.
 */
export async function* splitLines(texts: AsyncIterable<string>): AsyncGenerator<FileLine> {
  let rest = "";
  let isTooLong = false;
  let line = 0;
  const take = (end: string): FileLine => {
    const text = rest + end;
    const isLong = isTooLong || text.length > maxLineCharacters;
    rest = "";
    isTooLong = false;
    return { line: (line += 1), text: isLong ? "" : text, isTooLong: isLong };
  };
  for await (const text of texts) {
    const ends = text.split("\n");
    const begun = ends.pop() ?? "";
    for (const end of ends) yield take(end);
    rest += begun;
    if (rest.length > maxLineCharacters) {
      isTooLong = true;
      rest = "";
    }
  }
  if (rest !== "" || isTooLong) yield take("");
}

/**
 * Splits lines into records. A line with a quote inside a cell is a record of its own, which no parser
 * accepts. A record with a quote that is not closed loses its first line only, so that one bad row does
 * not swallow the good ones after it. The lines of a cell are never taken for rows: a record that is
 * too long is left out up to its end.
 */
export class CsvRecords {
  #open: CsvRecord = [];
  #characters = 0;
  #isQuoted = false;
  readonly #onFault: (line: number, fault: RecordFault) => void;

  /** @param onFault called for the first line of a record that is left out */
  constructor(onFault: (line: number, fault: RecordFault) => void) {
    this.#onFault = onFault;
  }

  /** Adds a line. Returns the records that it completes. */
  push(line: FileLine): CsvRecord[] {
    if (this.#open.length === 0 && line.text.trim() === "") return [];
    const end = endOf(line.text, this.#isQuoted);
    const isLeftOut = this.#characters > maxRecordCharacters;
    this.#characters += line.text.length;
    if (end === "quoted") {
      this.#isQuoted = true;
      if (!isLeftOut) this.#open.push(line);
      return [];
    }
    if (this.#characters > maxRecordCharacters) {
      this.#leaveOut();
      return [];
    }
    this.#open.push(line);
    const isUnclosed = end === "stray" && this.#open.length > 1;
    return isUnclosed ? this.#dropFirst() : [this.#take()];
  }

  /** Notes a line whose text is not kept. A record that it belongs to is left out up to its end. */
  lose(): void {
    if (this.#open.length > 0) this.#characters = Infinity;
  }

  /** Returns the last records of the file. */
  end(): CsvRecord[] {
    const records: CsvRecord[] = [];
    if (this.#characters > maxRecordCharacters) this.#leaveOut();
    while (this.#open.length > 0) records.push(...this.#dropFirst());
    return records;
  }

  #take(): CsvRecord {
    const record = this.#open;
    const last = record.at(-1);
    // The line end of a record, unlike one in a cell.
    if (last !== undefined) last.text = last.text.replace(/\r$/, "");
    this.#open = [];
    this.#characters = 0;
    this.#isQuoted = false;
    return record;
  }

  /** The lines of a record that is too long are not all kept: none is taken for a row. */
  #leaveOut(): void {
    const [first] = this.#take();
    if (first !== undefined) this.#onFault(first.line, "tooLong");
  }

  #dropFirst(): CsvRecord[] {
    const [first, ...others] = this.#take();
    if (first !== undefined) this.#onFault(first.line, "openQuote");
    return others.flatMap((line) => this.push(line));
  }
}

/**
 * Returns where a line ends: in a cell with quotes, at the end of a record, or nowhere, because a quote
 * is inside a cell without quotes or a text follows the closing quote.
 *
 * @param isQuoted the line begins in a cell with quotes
 */
function endOf(text: string, isQuoted: boolean): "quoted" | "record" | "stray" {
  let at = 0;
  for (let isInCell = isQuoted; ; isInCell = false) {
    if (isInCell || text[at] === '"') {
      const quote = closingQuote(text, isInCell ? at : at + 1);
      if (quote < 0) return "quoted";
      at = quote + 1;
      if (text[at] === "\r" && at + 1 === text.length) return "record";
    } else {
      plainCell.lastIndex = at;
      at += plainCell.exec(text)?.[0].length ?? 0;
    }
    if (at === text.length) return "record";
    if (text[at] !== ",") return "stray";
    at += 1;
  }
}

const plainCell = /[^",]*/y;

function closingQuote(text: string, start: number): number {
  let quote = text.indexOf('"', start);
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote;
}
