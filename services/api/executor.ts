import {
  execute,
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from "graphql";
import { getVariableValues } from "graphql/execution/values.js";
import type { CompiledQuery } from "graphql-jit";

/** What graphql-js says of variables that do not fit; compiled, the same has other words. */
function variableFaults({ schema, document, operationName, variableValues }: ExecutionArgs) {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const { errors } = getVariableValues(schema, definitions, variableValues ?? {});
  return errors && { errors };
}

/** Times that a document is executed as it is, before it is worth compiling. */
const usesBeforeCompiling = 2;

/** An operation of a document: how often it was executed, and compiled what it is. */
interface Prepared {
  uses: number;
  compiled?: CompiledQuery;
}

/**
 * Executes the operations of a valid document: at first by graphql-js, and from the third time on
 * compiled by graphql-jit. Compiling takes milliseconds and some 60 kB, which whoever sends a new
 * document each time would cause at will.
 */
export function executorOf(schema: GraphQLSchema, document: DocumentNode) {
  const operations = new Map<string, Prepared>();

  return async (args: ExecutionArgs): Promise<ExecutionResult> => {
    const name = args.operationName ?? "";
    const prepared = operations.get(name) ?? { uses: 0 };
    operations.set(name, prepared);
    prepared.uses += 1;
    if (prepared.uses <= usesBeforeCompiling) return execute(args);
    if (prepared.compiled === undefined) {
      // Not before it is needed: it takes 7 MB.
      const { compileQuery, isCompiledQuery } = await import("graphql-jit");
      const made = compileQuery(schema, document, args.operationName ?? undefined);
      // What cannot be compiled is executed as it is.
      if (!isCompiledQuery(made)) return execute(args);
      prepared.compiled = made;
    }
    const { query } = prepared.compiled;
    const result = await query(undefined, args.contextValue, args.variableValues ?? {});
    return result.data === undefined ? (variableFaults(args) ?? result) : result;
  };
}
