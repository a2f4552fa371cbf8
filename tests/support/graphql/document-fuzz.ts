import { deepEqual, ok } from "node:assert/strict";
import {
  OperationTypeNode,
  execute,
  getOperationAST,
  parse,
  validate,
  type DocumentNode,
} from "graphql";
import {
  coerceVariables,
  declaredVariables,
} from "../../../services/api/graphql/engine/arguments.ts";
import { DocumentError } from "../../../services/api/graphql/graphql-errors.ts";
import type { GraphqlExecution } from "../../../services/api/graphql/graphql-execution.ts";
import { assertSmall } from "../../../services/api/limits/request-limits.ts";
import { effects, limitFields, newExecution, schema, sender } from "./engine-world.ts";
import { randomFrom, RandomDocuments, type RandomDocument } from "./random-documents.ts";
import { dataBySpecification } from "./spec-oracle.ts";

/**
 * Sends random documents several times each through the gateway's execution, and compares data,
 * effects and errors with those of graphql-js and of the specification. A program of its own: in
 * Jest's sandbox it takes several times as long. By hand:
 * `FUZZ_DOCUMENTS=10000 FUZZ_SEED=7 npm test -- engine-fuzz`.
 */
const documents = Number(process.env.FUZZ_DOCUMENTS ?? 300);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const sends = 6;

await run();
console.log(`${documents} random documents mean the same at each of ${sends} sends`);

async function run(): Promise<void> {
  const random = randomFrom(seed);
  const writer = new RandomDocuments(schema, random, limitFields);
  const execution = newExecution();
  const counts = { executed: 0, rejected: 0, mutations: 0, withErrors: 0 };
  while (counts.executed < documents) {
    const document = writer.next();
    const parsed = parse(document.source);
    if (validate(schema, parsed).length > 0 || isOverLimits(parsed)) continue;
    const operation = getOperationAST(parsed, document.operationName);
    if (!operation) throw new Error("there is no operation");
    counts.executed += 1;
    if (operation.operation === OperationTypeNode.MUTATION) counts.mutations += 1;
    for (let n = 0; n < sends; n += 1) {
      // Each other send has other variables, so that plans of several conditions take turns.
      const request = n % 2 === 0 ? document : { ...document, variables: writer.variables() };
      const outcome = await send(execution, request);
      if (outcome.data === undefined) {
        counts.rejected += 1;
        deepEqual(
          { request, codes: new Set(outcome.codes) },
          {
            request,
            codes: new Set([isNullCondition(request) ? "BAD_USER_INPUT" : "none"]),
          },
        );
        deepEqual(outcome.effects, []);
        continue;
      }
      if (outcome.paths.length > 0) counts.withErrors += 1;
      effects.length = 0;
      const values = coerceVariables(declaredVariables(schema, operation), request.variables);
      const data = await dataBySpecification(schema, parsed, operation, values);
      deepEqual({ request, data: outcome.data }, { request, data: JSON.stringify(data) });
      deepEqual({ request, effects: outcome.effects }, { request, effects: [...effects] });
      if (isProtoVariable(request)) continue;
      const { data: expected, paths, effects: done } = await byGraphqlJs(request);
      deepEqual(
        { request, data: outcome.data, paths: outcome.paths },
        { request, data: expected, paths },
      );
      deepEqual({ request, effects: outcome.effects }, { request, effects: done });
    }
  }
  ok(counts.mutations > documents / 20, `${JSON.stringify(counts)} of ${documents}`);
  ok(counts.withErrors > documents / 10, `${JSON.stringify(counts)} of ${documents}`);
  ok(counts.rejected > 0, `${JSON.stringify(counts)} of ${documents}`);
}

interface Outcome {
  data: string | undefined;
  /** Paths of the errors, as far as the data tells them apart. */
  paths: string[];
  codes: string[];
  effects: unknown[];
}

/** Sends a request through everything that a request of a client passes. */
async function send(
  execution: GraphqlExecution,
  { source, operationName, variables }: RandomDocument,
): Promise<Outcome> {
  effects.length = 0;
  try {
    const operation = execution.prepare({ query: source, operationName, variables }, sender);
    const { text } = await operation.run("");
    const answer = JSON.parse(text) as { data: unknown; errors?: FormattedError[] };
    return outcomeOf(
      text.replace(/^.*?"data":/s, "").slice(0, -1),
      answer.errors ?? [],
      answer.data,
    );
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const codes = error.errors.map(({ extensions }) => String(extensions.code));
    return { data: undefined, paths: [], codes, effects: [...effects] };
  }
}

interface FormattedError {
  path?: readonly (string | number)[] | undefined;
  extensions?: { code?: string };
}

function outcomeOf(data: string, errors: readonly FormattedError[], json: unknown): Outcome {
  const paths = errors.map(({ path = [] }) => {
    let value = json;
    const known: (string | number)[] = [];
    for (const key of path) {
      if (value === null || value === undefined) break;
      known.push(key);
      value = (value as Record<string | number, unknown>)[key];
    }
    return known.join(".");
  });
  const codes = errors.map(({ extensions }) => extensions?.code ?? "");
  return { data, paths: [...new Set(paths)].sort(), codes, effects: [...effects] };
}

/** What graphql-js makes of it. */
async function byGraphqlJs({ source, operationName, variables }: RandomDocument): Promise<Outcome> {
  effects.length = 0;
  const document = parse(source);
  const args = { schema, document, operationName: operationName ?? null };
  const operation = getOperationAST(document, operationName);
  // graphql-js loses variables of the name `__proto__`; values that are coerced stay as they are.
  const values = operation ? coerceVariables(declaredVariables(schema, operation), variables) : {};
  const result = await execute({ ...args, variableValues: values });
  const text = JSON.stringify(result.data);
  return outcomeOf(text, result.errors ?? [], JSON.parse(text));
}

function isProtoVariable({ source }: RandomDocument): boolean {
  return source.includes(": $__proto__");
}

function isOverLimits(document: DocumentNode): boolean {
  try {
    assertSmall(document);
    return false;
  } catch {
    return true;
  }
}

function isNullCondition({ source, variables }: RandomDocument): boolean {
  return variables.z === null && source.includes("(if: $z)");
}
