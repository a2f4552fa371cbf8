import { describe, expect, test } from "@jest/globals";
import { ShopError } from "../../clients/typescript/src/index.ts";
import { csvOf, protectedText, unprotected } from "../../web/console/src/admin/csv/write-csv.ts";
import { matchRows } from "../../web/console/src/admin/import/match-rows.ts";
import { parseCsv } from "../../web/console/src/admin/import/read-file.ts";
import { batchesOf, sendValid } from "../../web/console/src/admin/import/send-rows.ts";

const read = (text: string, signal = new AbortController().signal) => parseCsv(text, signal);

const id = "01a22361-48ac-7583-bce1-8b1bcdbf5cc9";

describe("an exported file", () => {
  test.each([
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    [" =1", "' =1"],
    ["\t=1", "'\t'=1"],
    ["\uFF1D1", "'\uFF1D1"],
    ["a;=1;b", "a;'=1;b"],
    ["x\t=1", "x\t'=1"],
    ["x\r\n@1", "x\r'\n'@1"],
    ['a";"=1"', `a";'"=1"`],
    ["a,'=1", "a,''=1"],
  ])("has no formula: %j is %j", (text, shown) => {
    expect(protectedText(text)).toBe(shown);
    expect(unprotected(shown)).toBe(text);
  });

  test.each(["Mug", "'quoted'", "'=1", "';'=1", "'\t'=1", ";';'-1", "", "a=1", "a; b", ";;"])(
    "gives %j back",
    (text) => {
      expect(unprotected(protectedText(text))).toBe(text);
    },
  );

  test("quotes commas, quotes and line ends", () => {
    expect(csvOf([["a,b", 'c"d', "e\nf", null, 1]])).toBe('"a,b","c""d","e\nf",,1\r\n');
    expect(csvOf([["a;b"]])).toBe('"a;b"\r\n');
  });
});

describe("an imported file", () => {
  test("has its rows with their lines, also after a cell with a line end", async () => {
    const file = await read('sku,name,price\r\nA,"two\nlines",5\r\nB,x,five\r\nC,y,6\r\n');
    expect(file).toMatchObject({
      rows: [
        { line: 2, values: { sku: "A", name: "two\nlines", price: 5 } },
        { line: 4, fault: expect.stringContaining("price") },
        { line: 5, values: { sku: "C" } },
      ],
    });
  });

  test.each([
    ["sku;name\r\nA;x\r\n", "commas"],
    ["sku,colour\r\nA,x\r\n", "colour"],
    ["name\r\nx\r\n", "id or sku"],
    ["nom;prix\r\nA;1\r\n", "separated by commas"],
    ["sku,sku\r\nA,A\r\n", "twice"],
    ["sku\r\n", "no rows"],
    ['"sku\r\nA\r\n', "not valid CSV"],
  ])("%j is rejected as a whole", async (text, reason) => {
    expect(await read(text)).toContain(reason);
  });

  test("can name its columns with capitals, and says that prices are in cents", async () => {
    expect(await read("SKU,Name,PRICE\r\nA,Mug,5.50\r\n")).toMatchObject({
      columns: ["sku", "name", "price"],
      rows: [{ line: 2, fault: expect.stringContaining("cents") }],
    });
  });

  test.each([
    [`${"A".repeat(65)},x`, "sku must have at most 64 characters."],
    [`A,${"x".repeat(201)}`, "name must have at most 200 characters."],
    [`A,${"x".repeat(1_000_001)}`, "too long"],
    ["A\0,x", "sku contains characters that cannot be stored."],
    ["A,\uD800", "name contains characters that cannot be stored."],
    ['"A,x', "a quote is not closed"],
    ['A"B",x', "a quote is inside a cell"],
    ["A", "1 cell"],
  ])("a row %# that the shop would reject fails alone", async (row, reason) => {
    const file = await read(`sku,name\r\n${row}\r\n\r\nB,y\r\n`);
    expect(file).toMatchObject({
      rows: [
        { line: 2, fault: expect.stringContaining(reason) },
        { line: 4, values: { sku: "B", name: "y" } },
      ],
    });
  });

  test("reads quotes, line ends of a Mac, and texts in the form in which the shop stores them", async () => {
    expect(await read('\uFEFFsku,name\r"A ""1""","e\u0301, "\r')).toMatchObject({
      rows: [{ line: 2, values: { sku: 'A "1"', name: "\u00E9, " } }],
    });
  });

  test("has no numbers with leading zeros", async () => {
    expect(await read("sku,stock\nA,007\nB,-0\nC,0\nD,70\n")).toMatchObject({
      rows: [
        { line: 2, fault: expect.stringContaining("whole number") },
        { line: 3, fault: expect.stringContaining("whole number") },
        { line: 4, values: { stock: 0 } },
        { line: 5, values: { stock: 70 } },
      ],
    });
  });

  test("has no row of the lines in a cell, and no broken row disturbs the ones after it", async () => {
    const long = `${"x".repeat(1_000)}\n`.repeat(20);
    const file = await read(
      ["sku,name", '0,12" pipe', 'A,"a\nX,x\n"', `B,"${long}X,x\n"`, 'C,"c', 'D,"d"', "E,e"].join(
        "\n",
      ),
    );
    expect(file).toMatchObject({
      rows: [
        { line: 2, fault: expect.stringContaining("a quote is inside a cell") },
        { line: 3, values: { sku: "A", name: "a\nX,x\n" } },
        { line: 6, fault: expect.stringContaining("name must have at most 200") },
        { line: 28, fault: expect.stringContaining("a quote is not closed") },
        { line: 29, values: { sku: "D" } },
        { line: 30, values: { sku: "E" } },
      ],
    });
  });

  test("can be cancelled while it is read", async () => {
    const cancel = new AbortController();
    const reading = read(`sku\n${"x,y\n".repeat(400_000)}`, cancel.signal);
    cancel.abort(new Error("cancelled"));
    await expect(reading).rejects.toThrow("cancelled");
  });

  test("is sent in batches by rows and by bytes", () => {
    const rowsOf = (count: number, description: string) =>
      Array.from({ length: count }, (_, line) => ({ line, values: { description } }));
    const sizes = (rows: ReturnType<typeof rowsOf>) =>
      [...batchesOf(rows)].map(({ length }) => length);
    expect(sizes(rowsOf(250, ""))).toEqual([100, 100, 50]);
    expect(sizes(rowsOf(120, "\u{1F600}".repeat(2_000))).every((length) => length < 100)).toBe(
      true,
    );
  });

  test("a row because of which the shop rejects a request fails alone", async () => {
    const rejected: [number, string][] = [];
    const accepted: number[] = [];
    const send = (part: readonly number[]) => {
      if (part.some((row) => row === 3 || row === 60)) {
        const fields = [{ field: "skus[3]", message: "'skus[3]' contains odd characters." }];
        return Promise.reject(new ShopError("BAD_USER_INPUT", "Invalid", { details: { fields } }));
      }
      accepted.push(...part);
      return Promise.resolve();
    };
    const rows = Array.from({ length: 100 }, (_, row) => row);
    await sendValid(rows, send, (row, reason) => rejected.push([row, reason]));
    const reason = "A value contains odd characters.";
    expect(rejected).toEqual([
      [3, reason],
      [60, reason],
    ]);
    expect(accepted).toEqual(rows.filter((row) => row !== 3 && row !== 60));
    const outage = new ShopError("SERVICE_UNAVAILABLE", "");
    const fail = () => Promise.reject(outage);
    await expect(sendValid(rows, fail, () => rejected.pop())).rejects.toBe(outage);
  });

  test("matches products, and changes only what differs", () => {
    const product = { id, sku: "A", name: "Mug", description: "", price: 5, stock: 1, version: 3 };
    const [second, third] = [id.replace("0", "d"), id.replace("0", "e")];
    const products = [
      product,
      { ...product, id: second, sku: "D" },
      { ...product, id: third, sku: "E" },
    ];
    const rows = [
      { line: 2, values: { id, name: "Mug", price: 5, stock: 1, version: 1 } },
      { line: 3, values: { sku: "D", price: 6, stock: 2 } },
      { line: 4, values: { sku: "E", price: 6, version: 2 } },
      { line: 5, values: { sku: "B", name: "Cup", price: 7 } },
      { line: 6, values: { sku: "C", price: 7 } },
      { line: 7, values: { id: id.replace("0", "f") } },
    ];
    expect(matchRows(rows, products, new Map())).toMatchObject([
      { kind: "unchanged" },
      {
        kind: "update",
        changes: { id: second, version: 3, price: 6 },
        stock: { id: second, stock: 2 },
      },
      { kind: "failed", reason: expect.stringContaining("version 3") },
      { kind: "create", input: { sku: "B", name: "Cup", description: "", price: 7, stock: 0 } },
      { kind: "failed" },
      { kind: "failed" },
    ]);
  });
  test("rejects a second row of a product, which its id or its SKU names, in any batch", () => {
    const product = { id, sku: "A", name: "Mug", description: "", price: 5, stock: 1, version: 3 };
    const lines = new Map<string, number>();
    const match = (...rows: Parameters<typeof matchRows>[0]) => matchRows(rows, [product], lines);
    const first = { line: 2, values: { id, price: 6 } };
    const second = { line: 3, values: { sku: "A", price: 7 } };
    const repeated = {
      line: 3,
      kind: "failed" as const,
      reason: "Line 2 is a row of the same product.",
    };
    expect(match(first, second)).toMatchObject([{ line: 2, kind: "update" }, repeated]);
    expect(match(second)).toEqual([repeated]);
    // An interrupted import sends a row again.
    expect(match(first)).toMatchObject([{ line: 2, kind: "update" }]);
  });
});
