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
  try {
    return faultLines(page, await new PageRun(page, example, shell).faults());
  } finally {
    await shell.end();
  }
}

/** The answers of a block, or why it has none. After a fatal fault, the next blocks do not run. */
type Outcome = { answers: unknown[] } | { fault: Fault; isFatal?: true };

interface DocumentRequest {
  query: string;
  variables: Record<string, unknown>;
  token: string | undefined;
}

class PageRun {
  readonly #page: Page;
  readonly #example: ExampleShop;
  readonly #shell: Shell;
  readonly #address: string;

  constructor(page: Page, example: ExampleShop, shell: Shell) {
    this.#page = page;
    this.#example = example;
    this.#shell = shell;
    this.#address = new URL(example.shop.url).host;
  }

  async faults(): Promise<Fault[]> {
    const faults: Fault[] = [];
    /** The answers of the last block, until an example is compared with the last one. */
    let answers: unknown[] | undefined;
    for (const [index, block] of this.#page.blocks.entries()) {
      const { line } = block;
      if (block.marks.isAnswer === true) {
        faults.push(...compare(block, answers));
        answers = undefined;
        continue;
      }
      answers = undefined;
      if (!isRun(block)) continue;
      const outcome = await this.#run(block);
      if ("fault" in outcome) {
        faults.push(outcome.fault);
        if (outcome.isFatal) break;
      } else {
        ({ answers } = outcome);
        const hasExample = this.#page.blocks[index + 1]?.marks.isAnswer === true;
        const errors = hasExample ? [] : answers.flatMap(errorsOf);
        faults.push(...errors.map((error) => ({ line, reason: `The shop answers: ${error}` })));
      }
      await this.#example.settled();
    }
    return faults;
  }

  async #run(block: CodeBlock): Promise<Outcome> {
    const { line, language, marks } = block;
    if (language === "graphql") return this.#runDocuments(block);
    const code = (await this.#example.fill(block.code, "")).replaceAll(
      "localhost:8080",
      this.#address,
    );
    if (language === "sh") return this.#runScript(line, code);
    const { file } = marks;
    if (file === undefined) {
      return { fault: { line, reason: 'The block has neither "file" nor "not run".' } };
    }
    writeFileSync(join(this.#shell.folder, file), code);
    const isRunByScript = this.#page.blocks.some(
      (other) => other.language === "sh" && isRun(other) && other.code.includes(file),
    );
    return isRunByScript ? { answers: [] } : this.#runScript(line, `node ${file}`);
  }

  async #runScript(blockLine: number, code: string): Promise<Outcome> {
    const { stdout, failure } = await this.#shell.run(code);
    if (failure !== undefined) {
      const command = code.split("\n")[failure.line - 1]?.trim() ?? "";
      const said = failure.stderr.split("\n").at(-1) ?? "";
      const reason = `The script fails at "${command}"${said === "" ? "." : `: ${said}`}`;
      return { fault: { line: blockLine + failure.line, reason }, isFatal: true };
    }
    return { answers: jsonIn(stdout) };
  }

  async #runDocuments({ line, code, marks }: CodeBlock): Promise<Outcome> {
    try {
      const text = await this.#example.fill(code);
      const { definitions } = parse(text);
      const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
      const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
      if (operations.length === 0) return { fault: { line, reason: "The block is no operation." } };
      const variables = JSON.parse(
        await this.#example.fill(marks.variables ?? "{}", code),
      ) as object;
      const token = await this.#example.tokenOf(marks.as);
      const answers: unknown[] = [];
      // The playground sends one operation of a document at a time.
      for (const operation of operations as OperationDefinitionNode[]) {
        const query = [operation, ...fragments].map(print).join("\n");
        const request = { query, variables: variables as Record<string, unknown>, token };
        const isLive = operation.operation === OperationTypeNode.SUBSCRIPTION;
        answers.push(await (isLive ? this.#subscribe(request) : this.#send(request)));
      }
      return { answers };
    } catch (error) {
      if (!(error instanceof GraphQLError || error instanceof SyntaxError)) throw error;
      return { fault: { line, reason: `The block cannot be parsed: ${error.message}` } };
    }
  }

  async #send({ query, variables, token }: DocumentRequest): Promise<unknown> {
    const { data, errors } = await this.#example.shop.graphql(query, { variables, token });
    // `data` is missing if the request was rejected before its execution.
    return {
      ...(data !== undefined && { data }),
      ...(errors !== undefined && { errors }),
    };
  }

  /** Subscribes, and causes events until the first one arrives. */
  async #subscribe({ query, variables, token }: DocumentRequest): Promise<unknown> {
    const client = createClient({
      url: `ws://${this.#address}/graphql`,
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
          if (results.length === 0) await this.#example.causeEvents();
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
