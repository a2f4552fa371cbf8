import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { fileArguments } from "../../commands/catalogue-file/file-arguments.ts";
import { readRows } from "../../commands/catalogue-file/read-rows.ts";
import { headOf, linesOf, type ExportedProduct } from "../../commands/catalogue-file/write-rows.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rows-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function read(format: "csv" | "jsonl", content: string | Buffer) {
  const file = join(folder, `file.${format}`);
  writeFileSync(file, content);
  const rows = [];
  for await (const row of readRows(file, format).rows) rows.push(row);
  return rows;
}

describe("a CSV file", () => {
  test("may have a byte order mark, CRLF, quotes, line ends in cells and empty lines", async () => {
    const content =
      '\ufeffsku,name,description,price\r\nA,"a ""mug"", blue","two\r\nlines",5\r\n\r\nB,b,,6\r\nC,"",\u2028,7';
    expect(await read("csv", content)).toEqual([
      {
        line: 2,
        values: { sku: "A", name: 'a "mug", blue', description: "two\r\nlines", price: 5 },
      },
      { line: 5, values: { sku: "B", name: "b", price: 6 } },
      { line: 6, values: { sku: "C", description: "\u2028", price: 7 } },
    ]);
  });

  test("may mix line ends, also at the borders of the parser's calls", async () => {
    const rows = Array.from({ length: 450 }, (_, n) => `S${n},${n}${n % 3 === 0 ? "\r\n" : "\n"}`);
    const read450 = await read("csv", `sku,stock\n${rows.join("")}`);
    expect(read450).toEqual(
      rows.map((_, n) => ({ line: n + 2, values: { sku: `S${n}`, stock: n } })),
    );
  });

  test("loses only its bad rows, which are reported with line and reason", async () => {
    const content = [
      "sku,name,price",
      "A,a,1",
      'B,"b"c,2',
      "C,c",
      'D,"d,3',
      "E,e,4",
      "F,f,9.90",
      "G,g,5",
    ].join("\n");
    const rows = await read("csv", content);
    const faults = rows.flatMap((row) => ("fault" in row ? [[row.line, row.fault]] : []));
    expect(faults).toEqual([
      [3, "The row is not valid CSV: a quote is inside a cell."],
      [4, "The row has 2 cells in place of 3."],
      [5, "The row is not valid CSV: a quote is not closed."],
      [7, "'price' must be a whole number, without separators and leading zeros."],
    ]);
    const skus = rows.flatMap((row) => ("values" in row ? [row.values.sku] : []));
    expect(skus).toEqual(["A", "E", "G"]);
  });

  test("has no row of the lines in a cell, and no broken row disturbs the ones after it", async () => {
    const long = `${"x".repeat(1_000)}\n`.repeat(1_100);
    const content = [
      "sku,name",
      '0,12" pipe',
      'A,"a\nX,x\n"',
      `B,"${long}X,x\n"`,
      'C,"c',
      'D,"d"',
      "E,e",
    ].join("\n");
    const rows = await read("csv", content);
    expect(rows).toEqual([
      { line: 2, fault: "The row is not valid CSV: a quote is inside a cell." },
      { line: 3, values: { sku: "A", name: "a\nX,x\n" } },
      { line: 6, fault: expect.stringContaining("The row has more than 1000000 characters") },
      { line: 1_108, fault: "The row is not valid CSV: a quote is not closed." },
      { line: 1_109, values: { sku: "D", name: "d" } },
      { line: 1_110, values: { sku: "E", name: "e" } },
    ]);
  });

  test.each([
    ["sku,colour", 'There is no column "colour"'],
    ["name,price", "A column id or sku is required"],
    ["sku,sku", "A column is named twice"],
    ["", 'There is no column "A"'],
    ["sku;name;price", "separated by commas, not by semicolons"],
    ["a".repeat(100_001), "The line has more than 100000 characters."],
    ["sku\tname", "separated by commas, not by semicolons"],
  ])("is rejected with the first line %j", async (head, reason) => {
    await expect(read("csv", `${head}\nA,1\n`)).rejects.toThrow(reason);
  });

  test.each(["", "\r\n"])("is rejected if it is empty, %j", async (content) => {
    await expect(read("csv", content)).rejects.toThrow("file.csv is empty");
  });

  test("has numbers in the form of JSON, without fractions and exponents", async () => {
    const good = ["0", "7", "-7", "2147483647"];
    const bad = [
      "-0",
      "007",
      "+5",
      "5.0",
      "1e3",
      " 5",
      "5 ",
      "0x10",
      "1,000",
      "\uff11",
      "9".repeat(16),
    ];
    const lines = [...good, ...bad].map((cell, n) => `S${n},"${cell}"`);
    const rows = await read("csv", ["sku,price", ...lines].join("\n"));
    const faulty = rows.flatMap((row) => ("fault" in row ? [row.line] : []));
    expect(faulty).toEqual(bad.map((_, n) => n + 2 + good.length));
    // Each of the accepted ones is a number of JSON, and has the same value there.
    const values = rows.flatMap((row) => ("values" in row ? [row.values.price] : []));
    expect(values).toEqual(good.map((cell) => JSON.parse(cell) as unknown));
  });

  test("is rejected with the cause if its lines end with CR only", async () => {
    await expect(read("csv", "sku,name\rA,a\rB,b\r")).rejects.toThrow(
      "lines that end with CR only",
    );
  });

  test("is rejected if it is not UTF-8", async () => {
    await expect(read("csv", Buffer.from("sku\n\xe4\n", "latin1"))).rejects.toThrow("UTF-8");
  });
});

test("a row of CSV that has a line that is too long is left out up to its end", async () => {
  const rows = await read("csv", `sku,name\nA,"a\n${"x".repeat(100_001)}\nX,x\n"\nB,b\n`);
  expect(rows).toEqual([
    { line: 2, fault: expect.stringContaining("or a quote is not closed") },
    { line: 3, fault: "The line has more than 100000 characters." },
    { line: 6, values: { sku: "B", name: "b" } },
  ]);
});

test.each(["1.0", "1e2", "1e-400", "0.99999999999999999999", "1.5", "-0"])(
  "a number of JSON lines like %s is no whole number",
  async (number) => {
    const rows = await read("jsonl", `{"sku":"A","price":${number}}\n{"sku":"B","price":12}`);
    expect(rows).toEqual([
      { line: 1, fault: expect.stringContaining("'price' must be a whole number") },
      { line: 2, values: { sku: "B", price: 12 } },
    ]);
  },
);

test.each([
  ["csv", (text: string) => `sku,name\nA,${text}\nB,b\n`, 2],
  ["jsonl", (text: string) => `{"sku":"${text}"}\n{"sku":"B","name":"b"}`, 1],
] as const)(
  "a line of %s that is too long is reported, and not kept",
  async (format, file, line) => {
    const end = { line: line + 1, values: { sku: "B", name: "b" } };
    for (const length of [100_001, 3_000_000]) {
      expect(await read(format, file("x".repeat(length)))).toEqual([
        { line, fault: "The line has more than 100000 characters." },
        end,
      ]);
    }
    const [long, next] = await read(format, file("x".repeat(90_000)));
    expect(long).toHaveProperty("values");
    expect(next).toEqual(end);
  },
);

describe("a file with JSON lines", () => {
  test("loses a row that gives a field twice", async () => {
    const content = [
      '{"sku":"A","price":1,"price":2}',
      '{"sku":"A","s\\u006bu":"B"}',
      '{"sku":"\\"sku\\": [{","name":"\\\\","price":1}',
    ].join("\n");
    expect(await read("jsonl", content)).toEqual([
      { line: 1, fault: "The field 'price' is given twice." },
      { line: 2, fault: "The field 'sku' is given twice." },
      { line: 3, values: { sku: '"sku": [{', name: "\\", price: 1 } },
    ]);
  });

  test("has an object per line, whose fields may be missing or null", async () => {
    const content =
      '{"sku":"A","price":5,"createdAt":"x"}\n\n[1]\n{"sku":"B","name":null}\n{"sku"\n{"x":1}';
    expect(await read("jsonl", content)).toEqual([
      { line: 1, values: { sku: "A", price: 5 } },
      { line: 3, fault: "The line must be a JSON object." },
      { line: 4, values: { sku: "B" } },
      { line: 5, fault: "The line is not valid JSON." },
      { line: 6, fault: "There is no field 'x'." },
    ]);
  });
});

test.each(["csv", "jsonl"] as const)(
  "an exported file in %s is read back unchanged",
  async (format) => {
    const product: ExportedProduct = {
      id: "01900000-0000-7000-8000-000000000000",
      sku: "A,1",
      name: '"Mug"',
      description: "=1+1\r\n\ttwo\u2028lines, ä",
      price: 2_147_483_647,
      stock: 0,
      version: 3,
      createdAt: "2026-01-31T12:00:00.000Z",
      updatedAt: "2026-01-31T12:00:00.000Z",
    };
    const products = [product, { ...product, sku: null, description: "" }];
    const { id, sku, name, description, price, stock, version } = product;
    const values = { id, sku, name, description, price, stock, version };
    const empty = { id, name, price, stock, version };
    expect(await read(format, headOf(format) + linesOf(format, products))).toEqual([
      { line: expect.any(Number), values },
      {
        line: expect.any(Number),
        values: format === "csv" ? empty : { ...empty, description: "" },
      },
    ]);
  },
);

test.each([
  ["csv", "sku,price\nA,1\n"],
  ["jsonl", '{"sku":"A"}\n'],
] as const)(
  "a file in %s with the banner of npm is rejected with the cause",
  async (format, rows) => {
    const banner = "\n> shop-cluster@1.0.0 export\n> node commands/export.ts\n\n";
    await expect(read(format, banner + rows)).rejects.toMatchObject({
      name: "CommandError",
      message: expect.stringMatching("begins with the banner of npm"),
    });
  },
);

test("a folder and a missing file are rejected with a sentence", () => {
  expect(() => readRows(folder, "csv")).toThrow(`${folder} is a folder.`);
  const file = join(folder, "none.csv");
  expect(() => readRows(file, "csv")).toThrow(
    `${file} cannot be read: there is no such file or folder.`,
  );
});

test("a named pipe is read until its writer ends, and must have one", async () => {
  const file = join(folder, "pipe.csv");
  execFileSync("mkfifo", [file]);
  const countRows = async () => {
    let count = 0;
    for await (const row of readRows(file, "csv").rows) {
      expect(row).toMatchObject({ values: { sku: "A", stock: 1 } });
      count += 1;
    }
    return count;
  };
  await expect(countRows()).rejects.toThrow(
    `${file} is a named pipe, and no program writes to it.`,
  );

  // More than a pipe holds: the writer cannot end before the reader has opened the pipe.
  const write = `exec 3<> '${file}'; echo open; { echo sku,stock; yes A,1 | head -n 50000; } >&3`;
  const writer = spawn("sh", ["-c", write]);
  const ended = once(writer, "exit");
  await once(writer.stdout, "data");
  expect(await countRows()).toBe(50_000);
  await ended;
});

describe("the arguments", () => {
  test("name a file, and its format by its extension or by --format", () => {
    expect(fileArguments(["a.CSV"], { usage: "u", hasDryRun: true })).toMatchObject({
      file: "a.CSV",
      format: "csv",
    });
    expect(fileArguments(["a.ndjson", "--dry-run"], { usage: "u", hasDryRun: true })).toEqual({
      file: "a.ndjson",
      format: "jsonl",
      isDryRun: true,
    });
    expect(
      fileArguments(["a.txt", "--format", "jsonl"], { usage: "u", hasDryRun: true }).format,
    ).toBe("jsonl");
    expect(fileArguments([], { usage: "u", hasDryRun: false })).toMatchObject({
      file: undefined,
      format: "csv",
    });
  });

  test.each([
    [["a.txt"], 'The format "txt" is unknown; name csv or jsonl with --format.'],
    [["a"], "The file has no extension; name csv or jsonl with --format."],
    [["a.csv", "b.csv"], "Name one file."],
    [["-"], '"-" is not the name of a file.'],
    [["--nonsense"], "Unknown option '--nonsense'."],
    [["--format"], "Option '--format <value>' argument missing."],
    [["a.csv", "--format", "xml"], 'The format "xml" is unknown; name csv or jsonl with --format.'],
  ])("%j are rejected with the reason and the usage", (args, reason) => {
    expect(() => fileArguments(args, { usage: "npm run import", hasDryRun: true })).toThrow(
      `${reason} Usage: npm run import`,
    );
  });
});
