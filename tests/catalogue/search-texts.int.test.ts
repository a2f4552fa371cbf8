import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;

beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

/** Creates a product, and returns it as stored. */
const create = (name: string, description = "") =>
  shop.call<{ id: string; name: string }>("products.create", {
    name,
    description,
    price: 1,
    stock: 1,
  });

async function idsFound(search: string): Promise<string[]> {
  const page = await shop.call<{ edges: { node: { id: string } }[] }>("products.page", { search });
  return page.edges.map(({ node }) => node.id);
}

describe("a product is found", () => {
  test.each<[string, string, string[]]>([
    [
      "by a word between angle brackets",
      "Tray <oakwood> large",
      ["oakwood", "<oakw", "large tray"],
    ],
    ["by the words of a tag", "<b>strong</b> glue", ["strong", "glue", "<b>strong"]],
    ["by words beside unpaired brackets", "two<three four>five", ["two", "three", "four", "five"]],
    ["by a word that looks like an entity", "Salt &amp; pepper", ["pepper", "salt &"]],
    [
      "by composed letters if its name has decomposed ones",
      "Cafe\u0301tasse",
      ["caf\u00e9tasse", "caf\u00e9t"],
    ],
    [
      "by decomposed letters if its name has composed ones",
      "B\u00e4rentatze",
      ["ba\u0308rentatze"],
    ],
    [
      "by half-width letters",
      "\uff2d\uff35\uff26\uff26 \uff8a\uff9d\uff84\uff9e",
      ["muff", "\u30cf\u30f3\u30c9"],
    ],
    ["by a word with a soft hyphen in it", "Under\u00adtassen\u2060rand", ["undertassenrand"]],
    ["by words with a zero-width space between them", "zero\u200bwidth", ["zero", "width"]],
    [
      "by words in typographic quotes",
      "\u201cquoted\u201d \u00abguillemets\u00bb",
      ["quoted", "guillemets"],
    ],
    [
      "by words beside dashes and dots",
      "dash\u2013ing \u2026ellipsis\u2026",
      ["dash", "ing", "ellipsis"],
    ],
    [
      "by words beside emoji and currency signs",
      "\u{1f37a}beerglass 20\u20acvoucher \u2764\ufe0flove",
      ["beerglass", "voucher", "love"],
    ],
    [
      "by words beside punctuation of its script",
      "\u65e5\u672c\u8a9e\u30fb\u30c6\u30b9\u30c8\u3001\u8336",
      ["\u30c6\u30b9\u30c8", "\u8336"],
    ],
    [
      "by numbers and addresses",
      "\u22125 -7.25 https://shop.example/a?b=c x@y.example",
      ["5", "7 25", "shop", "a b c", "y example"],
    ],
  ])("%s", async (_title, name, searches) => {
    const { id } = await create(name);
    const inDescription = await create("Thing", name);
    for (const search of searches) {
      const ids = await idsFound(search);
      expect([search, ids.includes(id), ids.includes(inDescription.id)]).toEqual([
        search,
        true,
        true,
      ]);
    }
  });

  test("by its normalized name, also in the read model of orders", async () => {
    const { id, name } = await create("Pa\u0302te\u0301");
    expect(name).toBe("P\u00e2t\u00e9");
    await eventually("the read model of orders has the product", async () => {
      const sql = "SELECT name FROM known_products WHERE id = $1";
      const [row] = await shop.databases.query<{ name: string }>("orders", sql, [id]);
      return row?.name === "P\u00e2t\u00e9";
    });
  });
});

test("a user is found by a username in another Unicode normalization form", async () => {
  const { id, username } = await shop.call<{ id: string; username: string }>("users.register", {
    email: "zoe\u0308@example.com",
    username: "Zoe\u0308",
    password,
    type: 0,
  });
  expect(username).toBe("Zo\u00eb");
  for (const search of ["zo\u00eb", "zoe\u0308", "zoe\u0308@exam"]) {
    const { edges } = await shop.call<{ edges: { node: { id: string } }[] }>("users.page", {
      search,
    });
    expect(edges.map(({ node }) => node.id)).toEqual([id]);
  }
});

test("a product name without visible characters, or with a direction override, is rejected", async () => {
  for (const name of ["\u200b", " ", "\u00a0\ufeff", "\u202emug"]) {
    await expect(create(name)).rejects.toMatchObject({
      type: "BAD_USER_INPUT",
      data: { fields: [{ field: "name" }] },
    });
  }
});

test("the migration of search texts indexes existing products by their normalized words", async () => {
  const file = new URL("../../services/products/migrations/0008-search-texts.sql", import.meta.url);
  const migration = await readFile(file, "utf8");
  const names = ["Old <hidden> tray", "Old cafe\u0301", "Old \u201cquotes\u201d", "Old mug"];
  const before = `CREATE OR REPLACE FUNCTION plain_words(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN translate(text, './-@_:&=?#%~+*\\', '               ')`;
  const query = <Row extends object>(sql: string) => shop.databases.query<Row>("products", sql);
  await query(
    `BEGIN; ${before};
     INSERT INTO products (id, name, description, price, stock)
     SELECT gen_random_uuid(), name, '', place - 1, 1
     FROM unnest(ARRAY['${names.join("','")}']) WITH ORDINALITY AS old (name, place); COMMIT`,
  );
  await query(`BEGIN; ${migration}; COMMIT`);
  await query(`DO $$ BEGIN
    -- Forces the search index: on so few rows the planner prefers other indexes.
    EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database());
    EXECUTE format('ALTER DATABASE %I SET enable_indexscan = off', current_database());
    DROP INDEX products_catalogue, products_by_price, products_by_name, products_by_stock,
      products_by_stock_and_price, products_by_stock_and_name;
  END $$`);
  for (const [place, search] of ["hidden", "caf\u00e9", "quotes", "mug"].entries()) {
    const products = await shop.databases.query(
      "products",
      `SELECT name, price FROM products WHERE archived_at IS NULL
         AND words_of_product(name, description) @@ (SELECT search_of_words($1))`,
      [`old ${search}`],
    );
    expect(products).toEqual([{ name: names[place]?.normalize("NFC"), price: place }]);
  }
});
