/** A line of a file, without its line feed. */
export interface FileLine {
  line: number;
  /** Empty if the line is too long. */
  text: string;
  isTooLong: boolean;
}

/** A record of a CSV file: one line, or several if a quoted cell has line ends. */
export type CsvRecord = FileLine[];

/** Far above a row with the longest texts. A quote that is not closed would swallow all lines. */
const maxRecordCharacters = 20_000;

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
 * Splits lines into records: a record ends with the line at which its number of quotes is even.
 * A record with a quote that is not closed loses its first line only, so that one bad row does not
 * swallow the good ones after it.
 */
export class CsvRecords {
  #open: CsvRecord = [];
  #characters = 0;
  #hasOpenQuote = false;
  readonly #onUnclosed: (line: number) => void;

  /** @param onUnclosed called for a line with a quote that is not closed */
  constructor(onUnclosed: (line: number) => void) {
    this.#onUnclosed = onUnclosed;
  }

  /** Adds a line. Returns the records that it completes. */
  push(line: FileLine): CsvRecord[] {
    if (this.#open.length === 0 && line.text.trim() === "") return [];
    this.#open.push(line);
    this.#characters += line.text.length;
    if (hasOddQuotes(line.text)) this.#hasOpenQuote = !this.#hasOpenQuote;
    if (!this.#hasOpenQuote) return [this.#take()];
    return this.#characters > maxRecordCharacters ? this.#dropFirst() : [];
  }

  /** Returns the last records of the file. */
  end(): CsvRecord[] {
    const records: CsvRecord[] = [];
    while (this.#open.length > 0) records.push(...this.#dropFirst());
    return records;
  }

  /** Splits the lines of a record that is not valid again, without its first line. */
  static after(record: CsvRecord, onUnclosed: (line: number) => void): CsvRecord[] {
    const records = new CsvRecords(onUnclosed);
    return [...record.slice(1).flatMap((line) => records.push(line)), ...records.end()];
  }

  #take(): CsvRecord {
    const record = this.#open;
    const last = record.at(-1);
    // The line end of a record, unlike one in a cell.
    if (last !== undefined) last.text = last.text.replace(/\r$/, "");
    this.#open = [];
    this.#characters = 0;
    this.#hasOpenQuote = false;
    return record;
  }

  #dropFirst(): CsvRecord[] {
    const [first, ...others] = this.#take();
    if (first !== undefined) this.#onUnclosed(first.line);
    return others.flatMap((line) => this.push(line));
  }
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}
