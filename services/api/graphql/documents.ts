import { commonErrors } from "../../../core/errors.ts";
import { apiErrors } from "../api.errors.ts";
import {
  Kind,
  OperationTypeNode,
  GraphQLError,
  MaxIntrospectionDepthRule,
  NoSchemaIntrospectionCustomRule,
  SingleFieldSubscriptionsRule,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { LRUCache } from "lru-cache";
import type { EdgeConfig } from "../../../config/edge-config.ts";
import {
  conditionValues,
  declaredVariables,
  type DeclaredVariable,
  type Variables,
} from "./engine/arguments.ts";
import {
  conditionVariables,
  planOperation,
  type Fragments,
  type SelectionPlan,
} from "./engine/plan.ts";
import {
  DocumentError,
  codedError,
  maxErrors,
  throwingDocumentError,
  withCode,
} from "./graphql-errors.ts";
import type { OperationCost, QueryCosts } from "../limits/query-cost.ts";
import {
  assertFewTokens,
  assertShort,
  assertSmall,
  maxQueryCost,
} from "../limits/request-limits.ts";

/**
 * graphql-js's rules except two:
 * - The rule on the root fields of subscriptions throws out of `validate` where a condition is a
 *   variable. `assertOneRootField` checks the plan, where the conditions have their values.
 * - The rule on the depth of introspection allows two lists within each other. The limit of this
 *   gateway is `requestLimits.introspectionLists`, which has a code of its own.
 */
const rules = specifiedRules.filter(
  (rule) => rule !== SingleFieldSubscriptionsRule && rule !== MaxIntrospectionDepthRule,
);

/** A document that has passed every check that needs no variables. */
export interface CheckedDocument {
  document: DocumentNode;
  fragments: Fragments;
  operations: readonly CheckedOperation[];
  /** Estimated memory of the document and its plans. */
  bytes: number;
}

/** One operation of a checked document. */
export interface CheckedOperation {
  node: OperationDefinitionNode;
  variables: readonly DeclaredVariable[];
  /** The names of the variables in `@skip` and `@include`. */
  conditions: readonly string[];
  /** By the values of these variables. */
  plans: Map<string, OperationPlan>;
}

/** The normal form of an operation, and its cost if the cost does not depend on variables. */
export interface OperationPlan {
  selections: SelectionPlan;
  fixedCost: OperationCost | undefined;
}

/** Memory of cached documents and plans. */
const maxCachedBytes = 16_777_216;
/** Generous estimates. */
const bytesPerToken = 450;
const bytesPerPlannedField = 700;
/** Cached plans of one operation: one for each combination of condition values. */
const maxPlans = 8;

/** Checks documents against the schema and the limits, and caches valid documents. */
export class Documents {
  readonly schema: GraphQLSchema;
  readonly #costs: QueryCosts;
  readonly #rules: typeof specifiedRules;
  readonly #checked = new LRUCache<string, CheckedDocument>({
    maxSize: maxCachedBytes,
    sizeCalculation: ({ bytes }) => bytes,
  });

  constructor(schema: GraphQLSchema, costs: QueryCosts, { introspection }: EdgeConfig) {
    this.schema = schema;
    this.#costs = costs;
    this.#rules = introspection ? rules : [...rules, NoSchemaIntrospectionCustomRule];
  }

  has(source: string): boolean {
    return this.#checked.has(source);
  }

  /** Returns a document from the cache. */
  cached(source: string): CheckedDocument | undefined {
    return this.#checked.get(source);
  }

  /** Checks a document and caches it. Throws a DocumentError. */
  check(source: string): CheckedDocument {
    const tokens = throwingDocumentError(() => {
      assertShort(source);
      return assertFewTokens(source);
    });
    const document = parsed(source);
    const { expandedFields } = throwingDocumentError(() => assertSmall(document));
    const errors = validate(this.schema, document, this.#rules, { maxErrors });
    if (errors.length > 0) {
      throw new DocumentError(
        errors.map((error) => withCode(error, apiErrors.GRAPHQL_VALIDATION_FAILED)),
      );
    }
    const fragments = fragmentsOf(document);
    const operations = operationsOf(this.schema, document, fragments);
    const plans = operations.reduce((sum, { conditions }) => sum + plansOf(conditions), 0);
    const bytes =
      source.length * 2 + tokens * bytesPerToken + plans * expandedFields * bytesPerPlannedField;
    const checked = { document, fragments, operations, bytes };
    this.#checked.set(source, checked);
    return checked;
  }

  /** Returns the plan of an operation with these variables. Throws a DocumentError. */
  plan(
    { fragments }: CheckedDocument,
    { node, conditions, plans }: CheckedOperation,
    variables: Variables,
  ): OperationPlan {
    const values = conditionValues(conditions, variables);
    const key = conditions.length === 0 ? "" : [...values.values()].join();
    const cached = plans.get(key);
    if (cached !== undefined) return cached;
    const selections = throwingDocumentError(() =>
      planOperation(this.schema, node, fragments, values),
    );
    if (node.operation === OperationTypeNode.SUBSCRIPTION) assertOneRootField(selections, node);
    const cost = this.#costs.of(selections, variables);
    const plan = { selections, fixedCost: cost.isFixed ? cost : undefined };
    if (plans.size >= maxPlans) plans.clear();
    plans.set(key, plan);
    return plan;
  }

  /** Returns the cost of an operation. Throws a DocumentError if it exceeds the limit. */
  cost({ selections, fixedCost }: OperationPlan, variables: Variables): OperationCost {
    const cost = fixedCost ?? this.#costs.of(selections, variables);
    if (cost.max <= maxQueryCost) return cost;
    const message = `The response could have ${cost.max} values; the limit is ${maxQueryCost}. Request fewer rows with "limit" or "first".`;
    const data = { limit: maxQueryCost, value: cost.max };
    throw new DocumentError([codedError(message, commonErrors.QUERY_TOO_COMPLEX, data)]);
  }
}

/** Returns the operation with a name, or without a name the only operation; otherwise undefined. */
export function operationOf(
  { operations }: CheckedDocument,
  name: string | null | undefined,
): CheckedOperation | undefined {
  if (name !== null && name !== undefined) {
    return operations.find(({ node }) => node.name?.value === name);
  }
  return operations.length === 1 ? operations[0] : undefined;
}

function parsed(source: string): DocumentNode {
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw new DocumentError([withCode(error, apiErrors.GRAPHQL_PARSE_FAILED)]);
  }
}

/** Returns the fragments of a document by name. */
export function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  return fragments;
}

function operationsOf(
  schema: GraphQLSchema,
  { definitions }: DocumentNode,
  fragments: Fragments,
): CheckedOperation[] {
  return definitions.flatMap((node) => {
    if (node.kind !== Kind.OPERATION_DEFINITION) return [];
    const variables = declaredVariables(schema, node);
    return [{ node, variables, conditions: conditionVariables(node, fragments), plans: new Map() }];
  });
}

/** Returns the maximum number of cached plans of an operation. */
function plansOf(conditions: readonly string[]): number {
  return Math.min(maxPlans, 2 ** conditions.length);
}

/** The only root field of a subscription supplies its event stream. */
function assertOneRootField({ fields }: SelectionPlan, node: OperationDefinitionNode): void {
  const [field] = fields;
  if (fields.length === 1 && field && !field.definition.name.startsWith("__")) return;
  const message = "A subscription must have exactly one root field, which is not introspection.";
  const error = new GraphQLError(message, { nodes: [node] });
  throw new DocumentError([withCode(error, apiErrors.GRAPHQL_VALIDATION_FAILED)]);
}
