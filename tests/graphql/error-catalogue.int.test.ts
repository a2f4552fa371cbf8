import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { buildSchema, isEnumType } from "graphql";
import { errorCatalogue } from "../../core/errors.ts";
import "../../services/api/api.errors.ts";
import "../../services/registry.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

const catalogue = Object.fromEntries(errorCatalogue().map(({ code, meaning }) => [code, meaning]));

test("docs/errors.md lists exactly the error codes of the catalogue, with their meanings", () => {
  const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| ([A-Z_]+) +\| (.+?) +\|/gm)];
  expect(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning]))).toEqual(catalogue);
});

test("the enum ErrorCode lists exactly the error codes of the catalogue, with their meanings", async () => {
  const sdl = await (await fetch(`${shop.url}/schema.graphql`)).text();
  const type = buildSchema(sdl).getType("ErrorCode");
  if (!isEnumType(type)) throw new Error("the schema has no enum ErrorCode");
  const values = type.getValues().map(({ name, description }) => [name, description]);
  expect(Object.fromEntries(values)).toEqual(catalogue);
});
