import {
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { BoundedMap } from "../../core/bounded-map.ts";
import type { EdgeConfig } from "../../core/edge-config.ts";
import { executorOf } from "./executor.ts";
import { codedError, withCode } from "./graphql-errors.ts";
import { costOf, maxQueryCost, type FieldCosts, type OperationCost } from "./query-cost.ts";
import { assertFewTokens, assertSmall } from "./request-limits.ts";

/** A document that has passed all that can be checked without its variables. */
export interface CheckedDocument {
  document: DocumentNode;
  /** The operation of a name; undefined where the name does not choose one. */
  operation: (name: string | null | undefined) => OperationDefinitionNode | undefined;
  /** Executes a query or a mutation of it. */
  execute: (args: ExecutionArgs) => Promise<ExecutionResult>;
}

/** More of them help nobody, and take time. */
const maxErrors = 20;
/** Clients of one shop have some dozens; compiled, each takes some 60 kB. */
const maxCached = 300;
/** Longer texts are not worth their place. */
const maxCachedCharacters = 20_000;

/** Refused before anything is called: what the client is told. */
export class DocumentRefused extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super("the document is refused");
    this.errors = errors;
  }

  /** True for what is not even a well-formed GraphQL request. */
  get isMalformed(): boolean {
    return this.errors.every(({ extensions }) => extensions.code === "BAD_REQUEST");
  }
}

/** Checks documents against schema and limits, and remembers those that were right. */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #fieldCosts: FieldCosts;
  readonly #rules: typeof specifiedRules;
  /** Of operations whose variables do not matter. */
  readonly #fixedCosts = new WeakMap<OperationDefinitionNode, OperationCost>();
  readonly #checked = new BoundedMap<string, CheckedDocument>(maxCached);

  constructor(schema: GraphQLSchema, fieldCosts: FieldCosts, edge: EdgeConfig) {
    this.#schema = schema;
    this.#fieldCosts = fieldCosts;
    this.#rules = edge.introspection
      ? specifiedRules
      : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  }

  /** Throws DocumentRefused, with what is wrong. */
  check(source: string): CheckedDocument {
    const known = this.#checked.get(source);
    if (known !== undefined) return known;
    const document = this.#parsed(source);
    refusing(() => {
      assertSmall(document);
    });
    const errors = validate(this.#schema, document, this.#rules, undefined, { maxErrors });
    if (errors.length > 0) {
      throw new DocumentRefused(
        errors.map((error) => withCode(error, "GRAPHQL_VALIDATION_FAILED")),
      );
    }
    const checked = {
      document,
      operation: (name: string | null | undefined) => getOperationAST(document, name) ?? undefined,
      execute: executorOf(this.#schema, document),
    };
    if (source.length <= maxCachedCharacters) this.#checked.set(source, checked);
    return checked;
  }

  #parsed(source: string): DocumentNode {
    return refusing(() => {
      assertFewTokens(source);
      try {
        return parse(source);
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        throw withCode(error, "GRAPHQL_PARSE_FAILED");
      }
    });
  }

  /** What an operation may cost with these variables. Throws DocumentRefused beyond the limit. */
  cost(
    { document }: CheckedDocument,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
  ): OperationCost {
    const fixed = this.#fixedCosts.get(operation);
    if (fixed !== undefined) return fixed;
    const cost = costOf(this.#schema, document, operation, variables, this.#fieldCosts);
    if (cost.total <= maxQueryCost) {
      if (cost.isFixed) this.#fixedCosts.set(operation, cost);
      return cost;
    }
    const message = `The answer could have ${cost.total} values, and ${maxQueryCost} are the limit; ask for fewer rows with "limit" or "first".`;
    const data = { limit: maxQueryCost, value: cost.total };
    throw new DocumentRefused([codedError(message, "QUERY_TOO_COMPLEX", data)]);
  }
}

/** Makes of the error of one check what the client is told. */
export function refusing<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof GraphQLError) throw new DocumentRefused([error]);
    throw error;
  }
}
