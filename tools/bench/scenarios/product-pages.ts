import { graphql } from "../../support/graphql-client.ts";
import { post, type LoadRequest } from "../load/load.ts";

const pageRows = 20;
/** The rows of the first thousand pages. */
const rowsBeforeDeepPage = 1_000 * pageRows;
/** Page size while walking to the deep page. */
const strideRows = 100;

const document = `query ($first: Int, $after: String) {
  productsConnection(first: $first, after: $after) {
    nodes { id name description price stock } pageInfo { endCursor hasNextPage } } }`;

/** Builds the request for the page of the catalogue after a cursor. */
export function pageOf(after: string | null): LoadRequest {
  const variables = { first: pageRows, after };
  return post("/graphql", { query: document, variables }, '"name":"Mug ');
}

/** Walks through the first thousand pages. Returns the cursor of their last product. */
export async function cursorOfDeepPage(url: string): Promise<string> {
  let cursor: string | null = null;
  for (let row = 0; row < rowsBeforeDeepPage; row += strideRows) {
    const variables = { first: strideRows, after: cursor };
    const { data, errors } = await graphql(url, document, { variables });
    const { endCursor } = (data?.productsConnection?.pageInfo ?? {}) as { endCursor?: string };
    if (errors !== undefined || endCursor === undefined)
      throw new Error(`no page of the catalogue after row ${row}`);
    cursor = endCursor;
  }
  return cursor ?? "";
}
