import { graphql } from "../../support/graphql-client.ts";
import { post, type LoadRequest } from "../load/load.ts";

const pageRows = 20;
/** A thousand pages. */
const rowsBeforeDeepPage = 1_000 * pageRows;
/** Rows of a page where only the way there is walked. */
const strideRows = 100;

const document = `query ($first: Int, $after: String) {
  productsConnection(first: $first, after: $after) {
    nodes { id name description price stock } pageInfo { endCursor hasNextPage } } }`;

/** A page of the catalogue by keyset, behind a cursor. */
export function pageOf(after: string | null): LoadRequest {
  const variables = { first: pageRows, after };
  return post("/graphql", { query: document, variables }, '"name":"Mug ');
}

/** The cursor of the product that a thousand pages end with, found by walking there. */
export async function cursorOfDeepPage(url: string): Promise<string> {
  let cursor: string | null = null;
  for (let row = 0; row < rowsBeforeDeepPage; row += strideRows) {
    const variables = { first: strideRows, after: cursor };
    const { data, errors } = await graphql(url, document, { variables });
    const { endCursor } = (data?.productsConnection?.pageInfo ?? {}) as { endCursor?: string };
    if (errors !== undefined || endCursor === undefined) throw new Error("there is no such page");
    cursor = endCursor;
  }
  return cursor ?? "";
}
