import type { GraphQLError, GraphQLSchema, OperationDefinitionNode } from "graphql";
import type { EdgeConfig } from "../../../config/edge-config.ts";
import { apiErrors } from "../api.errors.ts";
import type { OperationCost, QueryCosts } from "../limits/query-cost.ts";
import { assertShort, assertSmallJson } from "../limits/request-limits.ts";
import type { Throttle } from "../limits/throttle.ts";
import { Documents, operationOf, type CheckedDocument, type OperationPlan } from "./documents.ts";
import { coerceVariables, type Variables } from "./engine/arguments.ts";
import { codedError, DocumentError, throwingDocumentError } from "./graphql-errors.ts";
import type { RequestParams } from "./graphql-operation.ts";
import { PersistedDocuments } from "./persisted-documents.ts";

/** CPU time of checking a document that costs as much as one value. */
const checkMicrosecondsPerValue = 25;

const noVariables = {};

/** A request whose document, variables and cost are within the limits. */
export interface CheckedRequest {
  schema: GraphQLSchema;
  document: CheckedDocument;
  operationName: string | null | undefined;
  node: OperationDefinitionNode;
  plan: OperationPlan;
  variables: Variables;
  cost: OperationCost;
}

/** Checks requests against the schema and the limits. */
export class RequestChecks {
  readonly #edge: EdgeConfig;
  readonly #throttle: Throttle;
  readonly #persisted: PersistedDocuments;
  #documents: Documents;

  constructor(schema: GraphQLSchema, costs: QueryCosts, edge: EdgeConfig, throttle: Throttle) {
    this.#edge = edge;
    this.#throttle = throttle;
    this.#persisted = new PersistedDocuments(edge.persistedDocuments);
    this.#documents = new Documents(schema, costs, edge);
  }

  useSchema(schema: GraphQLSchema, costs: QueryCosts): void {
    this.#documents = new Documents(schema, costs, this.#edge);
  }

  isCached({ query, extensions }: RequestParams): boolean {
    if (typeof query === "string") return this.#documents.has(query);
    return query === undefined && extensions !== undefined;
  }

  /** Throws a DocumentError. */
  check(params: RequestParams, caller: string): CheckedRequest {
    const { query, operationName, variables, extensions } = throwingDocumentError(() =>
      wellFormed(params),
    );
    const text = throwingDocumentError(() => this.#persisted.textOf({ query, extensions }));
    if (text === undefined) throw malformed("The request has no document. Send `query`.");
    const document = this.#documents.cached(text) ?? this.#checkDocument(text, caller);
    const operation = operationOf(document, operationName);
    if (operation === undefined) {
      throw malformed("Send the `operationName` of one of the operations in the document.");
    }
    const values = coerceVariables(operation.variables, variables ?? noVariables);
    const plan = this.#documents.plan(document, operation, values);
    const cost = this.#documents.cost(plan, values);
    const { schema } = this.#documents;
    const { node } = operation;
    return { schema, document, operationName, node, plan, variables: values, cost };
  }

  /** Checks a document that is not in the cache, and charges the CPU time of the check. */
  #checkDocument(text: string, caller: string): CheckedDocument {
    const before = process.threadCpuUsage();
    try {
      return this.#documents.check(text);
    } finally {
      const { user, system } = process.threadCpuUsage(before);
      this.#throttle.settle(caller, Math.floor((user + system) / checkMicrosecondsPerValue));
    }
  }
}

/** Checks the types of a request's parts. Throws GraphQLErrors. */
function wellFormed({ query, operationName, variables, extensions }: RequestParams) {
  if (typeof query === "string") assertShort(query);
  else if (query !== undefined && query !== null) {
    throw badRequest("`query` must be a string.");
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw badRequest("`operationName` must be a string.");
  }
  return {
    query: query ?? undefined,
    // Some clients send an empty name with each request.
    operationName: operationName === "" ? undefined : operationName,
    variables: asObject("variables", variables),
    extensions: asObject("extensions", extensions),
  };
}

function asObject(name: string, value: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badRequest(`\`${name}\` must be an object.`);
  }
  assertSmallJson(value, name);
  return value as Record<string, unknown>;
}

function badRequest(message: string): GraphQLError {
  return codedError(message, apiErrors.BAD_REQUEST);
}

function malformed(message: string): DocumentError {
  return new DocumentError([badRequest(message)]);
}
