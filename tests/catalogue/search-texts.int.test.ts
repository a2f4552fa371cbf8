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
    [
      "by Greek capitals, with any sigma and without accents",
      "\u039f\u03b4\u03cc\u03c2 \u039f\u0394\u039f\u03a3",
      ["\u039f\u0394\u038c\u03a3", "\u03bf\u03b4\u03bf\u03c3", "\u03bf\u03b4\u03cc\u03c2"],
    ],
    [
      "by ss for \u00df, and by \u00df for ss",
      "Gie\u00dfkanne STRASSE",
      ["giesskanne", "GIESSK", "stra\u00dfe", "STRA\u1e9eE"],
    ],
    [
      "by a dotted and a dotless i",
      "\u0130stanbul Diyarbak\u0131r",
      ["istanbul", "ISTANBUL", "\u0131stanbul", "diyarbakir", "D\u0130YARBAKIR"],
    ],
    [
      "without accents, and with accents that it does not have",
      "Cr\u00e8me \u0142\u00f3dka Sm\u00f8rrebr\u00f8d Cafe \u00c6ther c\u0153ur",
      ["creme", "lodka", "smorrebrod", "caf\u00e9", "aether", "coeur"],
    ],
    [
      "without the vowels of Arabic and the points of Hebrew",
      "\u0634\u064e\u0627\u064a \u05d0\u05b8\u05dc\u05b6\u05e3",
      ["\u0634\u0627\u064a", "\u0634\u0640\u0627\u064a", "\u05d0\u05dc\u05e3"],
    ],
    ["by ligatures", "\ufb01le for flour", ["file", "\ufb02our"]],
    [
      "with and without its hyphens",
      "T-shirt email Coca\u2011Cola",
      ["tshirt", "t-shirt", "T\u2010Shirt", "t shirt", "t-sh", "e-mail", "cocacola"],
    ],
    [
      "by any apostrophe, and without it",
      "Men\u2019s O'Brien Levi\u02bcs Rockers",
      ["men's", "mens", "obrien", "O\u2019Bri", "levi`s", "levis", "l'evis", "rocker's"],
    ],
    [
      "by a number with and without the separators of its thousands",
      "1,000 pieces 20.000 Teile 30'000 40\u00a0000 50000 \u0661\u0662",
      ["1000", "20000", "20 000", "30000", "40.000", "40\u2019000", "50,000", "50\u202f000", "12"],
    ],
    [
      "beside signs that a composed letter contains",
      "5\u2103 \u00bdlitre Mug\u2122",
      ["c", "mug 5"],
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

test("a search needs all parts of a word, or the joined word", async () => {
  const { id } = await create("Shirt 1 of tea");
  for (const search of ["t-shirt", "1,000", "tea-shirts"]) {
    expect([search, (await idsFound(search)).includes(id)]).toEqual([search, false]);
  }
  expect(await idsFound("tea-shirt")).toContain(id);
});

interface WordsOfText {
  words: string | null;
  nodes: number | null;
  isFound: boolean | null;
  plain: string | null;
}

test("each word of a search and each part of a word is searched for once", async () => {
  // PostgreSQL's own query for the words, without the words of joined parts.
  const sql = `SELECT search_of_text(text)::text AS words, numnode(search_of_text(text)) AS nodes,
      to_tsvector('simple', separated_text(text)) @@ search_of_text(text) AS "isFound",
      (nullif(plainto_tsquery('simple', separated_text(text))::text, '') || ':*')::tsquery::text AS plain
    FROM unnest($1::text[]) AS text`;
  const texts = [
    "mug",
    "red mug mug",
    "mug red",
    "t-shirt",
    `${"thing-".repeat(33)}p`,
    "it's 1,000.5 & | ! <-> :* \\ (x)",
    "'quoted' \"words\"",
    "M\u00fctze m\u00fctze",
    "-- ..",
    "",
  ];
  const rows = await shop.databases.query<WordsOfText>("products", sql, [texts]);
  // A query has a node for each word, and one for each AND.
  expect(rows.map(({ nodes }) => nodes)).toEqual([1, 3, 3, 3, 3, 11, 3, 1, null, null]);
  expect(rows.map(({ isFound }) => isFound)).toEqual([
    ...texts.slice(2).map(() => true),
    null,
    null,
  ]);
  const wordsOf = (query: string | null) => new Set(query?.split(" & "));
  for (const { words, plain } of rows) {
    // A word that stands also before the end is not the start of another one.
    const isRepeated = (word: string) => wordsOf(plain).has(word.replace(/:\*$/, ""));
    const expected = [...wordsOf(plain)].filter(
      (word) => !word.endsWith(":*") || !isRepeated(word),
    );
    expect(wordsOf(words)).toEqual(new Set(expected));
  }
});
