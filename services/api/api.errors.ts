import { defineErrors } from "../../core/errors.ts";

/** Errors of the gateway itself: of HTTP and of GraphQL documents. */
export const apiErrors = defineErrors({
  GRAPHQL_PARSE_FAILED: { status: 400, meaning: "The document is not GraphQL." },
  GRAPHQL_VALIDATION_FAILED: { status: 400, meaning: "The document does not fit the schema." },
  BAD_REQUEST: { status: 400, meaning: "The HTTP request is not one this API takes." },
  PERSISTED_QUERY_NOT_FOUND: {
    status: 404,
    meaning: "No document of this hash is known; send it along.",
  },
});
