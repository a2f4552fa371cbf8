import { readdirSync, readFileSync } from "node:fs";
import {
  buildASTSchema,
  GraphQLError,
  Kind,
  parse,
  Source,
  validateSchema,
  type ASTNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
} from "graphql";
import { validateSDL } from "graphql/validation/validate.js";
import type { Contract } from "../../../../core/contract.ts";
import { contracts } from "../../../registry.ts";
import { gatewayTypes } from "../types/gateway-types.ts";

const projectUrl = new URL("../../../../", import.meta.url);

/**
 * GraphQL text of a contract that is not valid. The message names its file and line. The command
 * prints the message without a stack.
 */
class SchemaError extends Error {
  override readonly name = "SchemaError";
}

/** Returns the error of a composition that has failed, with the place of each fault. */
export function schemaErrorOf(cause: Error): SchemaError {
  const { document, faults } = parsedParts();
  const found = faults.length > 0 ? faults : faultsIn(document, cause);
  return new SchemaError([...new Set(found)].slice(0, maxFaults).join("\n"), { cause });
}

/** Faults that are reported; the first one often causes the others. */
const maxFaults = 3;

/** A GraphQL text of a contract. */
interface Part {
  text: string;
  /** The root type, if the text is a field of it. */
  root?: "Query" | "Mutation" | "Subscription";
}

function partsOf(contract: Contract): Part[] {
  const { type, subscriptions = {} } = contract.graphql ?? {};
  const fields = Object.values(contract.actions).flatMap(({ graphql }): Part[] => {
    const { query, mutation } = graphql ?? {};
    if (query !== undefined) return [{ text: query, root: "Query" }];
    return mutation === undefined ? [] : [{ text: mutation, root: "Mutation" }];
  });
  return [
    ...(type === undefined ? [] : [{ text: type }]),
    ...fields,
    ...Object.values(subscriptions).map(({ field }): Part => ({
      text: field,
      root: "Subscription",
    })),
  ];
}

/**
 * Parses all texts. Each node's source is named by its file. moleculer-apollo-server joins all texts
 * to one, in which a position says nothing, so each text is examined again on its own.
 */
function parsedParts(): { document: DocumentNode; faults: string[] } {
  const definitions: DefinitionNode[] = [...parse(gatewayTypes()).definitions];
  const rootFields = new Map<string, FieldDefinitionNode[]>();
  const faults: string[] = [];
  const parts = contracts.flatMap((contract) => {
    const sources = sourcesOf(contract.name);
    return partsOf(contract).map((part) => ({ ...part, ...placeIn(sources, part.text) }));
  });
  for (const { text, root, file, line } of parts) {
    const body = root === undefined ? text : `type ${root} {${text}\n}`;
    try {
      const parsed = parse(new Source(body, file, { line, column: 1 })).definitions;
      for (const definition of parsed) {
        if (root === undefined || definition.kind !== Kind.OBJECT_TYPE_DEFINITION) {
          definitions.push(definition);
        } else {
          rootFields.set(root, [...(rootFields.get(root) ?? []), ...(definition.fields ?? [])]);
        }
      }
    } catch (error) {
      if (error instanceof GraphQLError) faults.push(sentenceOf(error));
      else throw error;
    }
  }
  const roots = [...rootFields].map(([name, fields]): DefinitionNode => {
    return {
      kind: Kind.OBJECT_TYPE_DEFINITION,
      name: { kind: Kind.NAME, value: name },
      fields,
    };
  });
  return { document: { kind: Kind.DOCUMENT, definitions: [...definitions, ...roots] }, faults };
}

/** Returns the file of a contract's text, and the line at which the text begins. */
function placeIn(sources: readonly Source[], text: string): { file: string; line: number } {
  const source = sources.find(({ body }) => body.includes(text));
  if (source === undefined) return { file: sources.at(-1)?.name ?? "", line: 1 };
  return { file: source.name, line: lineAt(source, source.body.indexOf(text)) };
}

/** Returns the files of a service that contain its part of the schema; the contract is the last. */
function sourcesOf(service: string): Source[] {
  const folder = `services/${service}`;
  const contract = `${service}.contract.ts`;
  const files = readdirSync(new URL(folder, projectUrl), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(graphql|contract\.ts)$/.test(file) && file !== contract)
    .concat(contract);
  return files.map((file) => {
    const name = `${folder}/${file}`;
    return new Source(readFileSync(new URL(name, projectUrl), "utf8"), name);
  });
}

function lineAt({ body }: Source, index: number): number {
  return body.slice(0, index).split("\n").length;
}

/** Returns the faults of the whole document, or else that of the composition. */
function faultsIn(document: DocumentNode, error: Error): string[] {
  const errors = validateSDL(document);
  if (errors.length > 0) return errors.map(sentenceOf);
  const invalid = validateSchema(buildASTSchema(document, { assumeValidSDL: true }));
  if (invalid.length > 0) return invalid.map(sentenceOf);
  // For example a join of a field that no type has, or a list without a maximum.
  const [, type, field] = /\b([A-Z]\w*)\.(\w+)/.exec(error.message) ?? [];
  const fields = document.definitions.flatMap((definition) => {
    const isType = definition.kind === Kind.OBJECT_TYPE_DEFINITION;
    const isOwn = isType || definition.kind === Kind.OBJECT_TYPE_EXTENSION;
    return isOwn && definition.name.value === type ? [...(definition.fields ?? [])] : [];
  });
  const node = fields.find(({ name }) => name.value === field);
  if (node !== undefined) return [sentence(positionOf(node), error.message)];
  return [sentence(positionOfResolver(error.message), error.message)];
}

/** Returns the position of a resolver without a type or field, which graphql-tools names. */
function positionOfResolver(message: string): Position | undefined {
  const [, type = "", field] = /^"?(\w+)(?:\.(\w+))?"? defined in resolvers/.exec(message) ?? [];
  const contract = contracts.find(({ graphql }) => Object.hasOwn(graphql?.resolvers ?? {}, type));
  if (contract === undefined) return undefined;
  const path = ["resolvers:", `${type}:`, ...(field === undefined ? [] : [`${field}:`])];
  const places = sourcesOf(contract.name).map((source) => {
    const indexes = path.reduce<number[]>(
      (found, name) => [...found, source.body.indexOf(name, found.at(-1) ?? 0)],
      [],
    );
    return { source, indexes };
  });
  const place = places.find(({ indexes }) => !indexes.includes(-1)) ?? places.at(-1);
  if (place === undefined) return undefined;
  const { source, indexes } = place;
  return { source, lineInSource: lineAt(source, Math.max(0, ...indexes)) };
}

function sentenceOf(error: GraphQLError): string {
  const { message, source, locations } = error;
  // Of two nodes, e.g. two types of one name, the second is the one that was added.
  const node = error.nodes?.at(-1);
  const lineInSource = locations?.at(-1)?.line;
  if (source === undefined || lineInSource === undefined) {
    return sentence(positionOf(node), message);
  }
  return sentence({ source: node?.loc?.source ?? source, lineInSource }, message);
}

interface Position {
  source: Source;
  lineInSource: number;
}

function positionOf(node: ASTNode | undefined): Position | undefined {
  if (node?.loc === undefined) return undefined;
  return { source: node.loc.source, lineInSource: node.loc.startToken.line };
}

function sentence(position: Position | undefined, problem: string): string {
  const text = problem.replace(/\s+/g, " ").replace(/(?<![.?])$/, ".");
  if (position === undefined) return `The GraphQL schema is not valid: ${text}`;
  const { source, lineInSource } = position;
  // A missing bracket is noticed after the text.
  const lines = source.body.replace(/\n\}$/, "").split("\n").length;
  const line = source.locationOffset.line + Math.min(lineInSource, lines) - 1;
  const [, service = ""] = /^services\/([^/]+)\//.exec(source.name) ?? [];
  return `The GraphQL schema of the service ${service} is not valid (${source.name}:${line}): ${text}`;
}
