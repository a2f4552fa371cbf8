import { describe, expect, test } from "@jest/globals";
import { csvOf, protectedText, unprotected } from "../../web/console/src/admin/csv/write-csv.ts";
import { matchRows } from "../../web/console/src/admin/import/match-rows.ts";
import { parseCsv } from "../../web/console/src/admin/import/read-file.ts";

const id = "01a22361-48ac-7583-bce1-8b1bcdbf5cc9";

describe("an exported file", () => {
  test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])("has no formula %j", (text) => {
    expect(protectedText(text)).toBe(`'${text}`);
    expect(unprotected(protectedText(text))).toBe(text);
  });

  test.each(["Mug", "'quoted'", "'=1", "", "a=1"])("gives %j back", (text) => {
    expect(unprotected(protectedText(text))).toBe(text);
  });

  test("quotes commas, quotes and line ends", () => {
    expect(csvOf([["a,b", 'c"d', "e\nf", null, 1]])).toBe('"a,b","c""d","e\nf",,1\r\n');
  });
});

describe("an imported file", () => {
  test("has its rows with their lines, also after a cell with a line end", () => {
    const file = parseCsv('sku,name,price\r\nA,"two\nlines",5\r\nB,x,five\r\nC,y,6\r\n');
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
    ["sku,sku\r\nA,A\r\n", "twice"],
    ["sku\r\n", "no rows"],
    ['sku\r\n"A\r\n', "not valid CSV"],
  ])("%j is rejected as a whole", (text, reason) => {
    expect(parseCsv(text)).toContain(reason);
  });

  test("can name its columns with capitals, and says that prices are in cents", () => {
    expect(parseCsv("SKU,Name,PRICE\r\nA,Mug,5.50\r\n")).toMatchObject({
      columns: ["sku", "name", "price"],
      rows: [{ line: 2, fault: expect.stringContaining("cents") }],
    });
  });

  test("matches products, and changes only what differs", () => {
    const product = { id, sku: "A", name: "Mug", description: "", price: 5, stock: 1, version: 3 };
    const rows = [
      { line: 2, values: { id, name: "Mug", price: 5, stock: 1, version: 1 } },
      { line: 3, values: { sku: "A", price: 6, stock: 2 } },
      { line: 4, values: { sku: "A", price: 6, version: 2 } },
      { line: 5, values: { sku: "B", name: "Cup", price: 7 } },
      { line: 6, values: { sku: "C", price: 7 } },
      { line: 7, values: { id: id.replace("0", "f") } },
    ];
    expect(matchRows(rows, [product])).toMatchObject([
      { kind: "unchanged" },
      { kind: "update", changes: { id, version: 3, price: 6 }, stock: { id, stock: 2 } },
      { kind: "failed", reason: expect.stringContaining("version 3") },
      { kind: "create", input: { sku: "B", name: "Cup", description: "", price: 7, stock: 0 } },
      { kind: "failed" },
      { kind: "failed" },
    ]);
  });
});
