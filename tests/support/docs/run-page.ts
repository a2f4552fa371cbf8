import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  print,
  type OperationDefinitionNode,
} from "graphql";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../../../tools/support/eventually.ts";
import { projectDir, temporaryFolder } from "../../../tools/support/processes.ts";
import { differences } from "./answers.ts";
import type { ExampleShop } from "./example-shop.ts";
import { faultLines, isRun, type CodeBlock, type Fault, type Page } from "./pages.ts";
import { Shell } from "./shell.ts";

/**
 * Runs the blocks of a page in their order, and compares the answers. Returns the faults. The first
 * script that fails is the last block, since the next ones may need what it has not done.
 */
export async function runPage(page: Page, example: ExampleShop): Promise<string[]> {
  const folder = temporaryFolder();
  symlinkSync(join(projectDir, "node_modules"), join(folder, "node_modules"));
  const shell = new Shell(folder);
  const address = new URL(example.shop.url).host;
  const faults: Fault[] = [];
  try {
    await runBlocks();
  } finally {
    await shell.end();
  }
  return faultLines(page, faults);

  async function runBlocks(): Promise<void> {
    /** The answers of the last block, until an example is compared with the last one. */
    let answers: unknown[] | undefined;
    for (const [index, block] of page.blocks.entries()) {
      const { line } = block;
      if (block.marks.isAnswer === true) {
        faults.push(...compare(block, answers));
        answers = undefined;
        continue;
      }
      answers = undefined;
      if (!isRun(block)) continue;
      const outcome = await run(block);
      if ("fault" in outcome) {
        faults.push(outcome.fault);
        if (outcome.isFatal) return;
      } else {
        ({ answers } = outcome);
        const hasExample = page.blocks[index + 1]?.marks.isAnswer === true;
        const errors = hasExample ? [] : answers.flatMap(errorsOf);
        faults.push(...errors.map((error) => ({ line, reason: `The shop answers: ${error}` })));
      }
      await example.settled();
    }
  }

  type Outcome = { answers: unknown[] } | { fault: Fault; isFatal?: true };

  async function run(block: CodeBlock): Promise<Outcome> {
    const { line, language, marks } = block;
    if (language === "graphql") return runDocuments(block);
    const code = (await example.fill(block.code, "")).replaceAll("localhost:8080", address);
    if (language === "sh") return runScript(line, code);
    const { file } = marks;
    if (file === undefined) {
      return { fault: { line, reason: 'The block has neither "file" nor "not run".' } };
    }
    writeFileSync(join(folder, file), code);
    const isRunByScript = page.blocks.some(
      (other) => other.language === "sh" && isRun(other) && other.code.includes(file),
    );
    return isRunByScript ? { answers: [] } : runScript(line, `node ${file}`);
  }

  async function runScript(blockLine: number, code: string): Promise<Outcome> {
    const { stdout, failure } = await shell.run(code);
    if (failure !== undefined) {
      const command = code.split("\n")[failure.line - 1]?.trim() ?? "";
      const said = failure.stderr.split("\n").at(-1) ?? "";
      const reason = `The script fails at "${command}"${said === "" ? "." : `: ${said}`}`;
      return { fault: { line: blockLine + failure.line, reason }, isFatal: true };
    }
    return { answers: jsonIn(stdout) };
  }

  async function runDocuments({ line, code, marks }: CodeBlock): Promise<Outcome> {
    try {
      const text = await example.fill(code);
      const { definitions } = parse(text);
      const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
      const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
      if (operations.length === 0) return { fault: { line, reason: "The block is no operation." } };
      const variables = JSON.parse(await example.fill(marks.variables ?? "{}", code)) as object;
      const token = await example.tokenOf(marks.as);
      const answers: unknown[] = [];
      // The playground sends one operation of a document at a time.
      for (const operation of operations as OperationDefinitionNode[]) {
        const query = [operation, ...fragments].map(print).join("\n");
        const request = { query, variables: variables as Record<string, unknown>, token };
        const ask = operation.operation === OperationTypeNode.SUBSCRIPTION ? subscribe : send;
        answers.push(await ask(request));
      }
      return { answers };
    } catch (error) {
      if (!(error instanceof GraphQLError || error instanceof SyntaxError)) throw error;
      return { fault: { line, reason: `The block cannot be parsed: ${error.message}` } };
    }
  }

  interface DocumentRequest {
    query: string;
    variables: Record<string, unknown>;
    token: string | undefined;
  }

  async function send({ query, variables, token }: DocumentRequest): Promise<unknown> {
    const { data, errors } = await example.shop.graphql(query, { variables, token });
    // `data` is missing if the request was rejected before its execution.
    return {
      ...(data !== undefined && { data }),
      ...(errors !== undefined && { errors }),
    };
  }

  /** Subscribes, and causes events until the first one arrives. */
  async function subscribe({ query, variables, token }: DocumentRequest): Promise<unknown> {
    const client = createClient({
      url: `ws://${address}/graphql`,
      webSocketImpl: WebSocket,
      ...(token !== undefined && { connectionParams: { authorization: token } }),
      retryAttempts: 0,
    });
    const results: unknown[] = [];
    client.subscribe(
      { query, variables },
      {
        next: (result) => results.push(result),
        error: (errors) => results.push({ errors }),
        complete: () => undefined,
      },
    );
    try {
      return await eventually(
        "a result of the subscription",
        async () => {
          if (results.length === 0) await example.causeEvents();
          return results[0];
        },
        { everyMs: 100 },
      );
    } finally {
      await client.dispose();
    }
  }
}

function compare({ line, code }: CodeBlock, answers: unknown[] | undefined): Fault[] {
  if (answers === undefined || answers.length === 0) {
    return [{ line, reason: "The answer follows no block that has an answer." }];
  }
  let example: unknown;
  try {
    example = JSON.parse(code);
  } catch {
    return [{ line, reason: "The answer is no valid JSON." }];
  }
  const answer = answers.at(-1);
  const errors = errorsOf(example).length === 0 ? errorsOf(answer) : [];
  if (errors.length > 0)
    return errors.map((error) => ({ line, reason: `The shop answers: ${error}` }));
  return differences(example, answer).map((reason) => ({ line, reason }));
}

/**
 * Returns the JSON values in the output of a script: one in all lines, or one in each. An answer of
 * the shop has no line end, so several of them may share a line.
 */
function jsonIn(output: string): unknown[] {
  const parts = output.split(/\n|(?<=\})(?=\{"(?:data|errors)":)/);
  const whole = parseJson(output);
  return whole.length > 0 ? whole : parts.flatMap(parseJson);
}

function parseJson(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}

function errorsOf(answer: unknown): string[] {
  if (typeof answer !== "object" || answer === null || !("errors" in answer)) return [];
  const errors = answer.errors as { message: string; extensions?: { code?: string } }[];
  return errors.map(({ message, extensions }) => `${extensions?.code ?? "error"}, ${message}`);
}
