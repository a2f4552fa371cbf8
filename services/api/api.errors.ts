import { defineErrors } from "../../core/errors.ts";

/** Errors of the gateway: of HTTP requests and of GraphQL documents. */
export const apiErrors = defineErrors({
  GRAPHQL_PARSE_FAILED: { status: 400, meaning: "The document has a GraphQL syntax error." },
  GRAPHQL_VALIDATION_FAILED: { status: 400, meaning: "The document does not match the schema." },
  BAD_REQUEST: { status: 400, meaning: "The HTTP request is invalid for this API." },
  PERSISTED_QUERY_NOT_FOUND: {
    status: 404,
    meaning: "No document has this hash. Send its text.",
  },
  CONSOLE_DISABLED: {
    status: 403,
    meaning: "This shop has turned off the operation of its cluster by clients.",
  },
  CURSOR_EXPIRED: {
    status: 410,
    meaning: "The events after this cursor are gone; subscribe without `after`.",
  },
});
