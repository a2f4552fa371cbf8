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

/**
 * Executes the operations of a valid document: at first by graphql-js, and from the second time on
 * compiled by graphql-jit. Compiling takes milliseconds, which whoever sends a new document each
 * time would cause at will.
 */
export function executorOf(schema: GraphQLSchema, document: DocumentNode) {
  const compiled = new Map<string, CompiledQuery | undefined>();

  return async (args: ExecutionArgs): Promise<ExecutionResult> => {
    const name = args.operationName ?? "";
    if (!compiled.has(name)) {
      compiled.set(name, undefined);
      return execute(args);
    }
    let query = compiled.get(name);
    if (query === undefined) {
      // Not before it is needed: it takes 7 MB.
      const { compileQuery, isCompiledQuery } = await import("graphql-jit");
      const made = compileQuery(schema, document, args.operationName ?? undefined);
      // What cannot be compiled is executed as it is.
      if (!isCompiledQuery(made)) return execute(args);
      query = made;
      compiled.set(name, made);
    }
    const result = await query.query(undefined, args.contextValue, args.variableValues ?? {});
    return result.data === undefined ? (variableFaults(args) ?? result) : result;
  };
}
