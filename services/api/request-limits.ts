import {
  GraphQLError,
  Lexer,
  Source,
  type ASTNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { codedError } from "./graphql-errors.ts";

/** What a document is made of, as far as it is limited. Of several operations, the largest counts. */
export interface DocumentSize {
  tokens: number;
  fields: number;
  /** Selections within selections, through fragments. */
  depth: number;
  aliases: number;
  /** Fields of the operation itself, through fragments. */
  rootFields: number;
  directives: number;
  /** Lists within lists of introspection: `fields`, `interfaces`, `possibleTypes` … */
  introspectionLists: number;
}

/**
 * Several times what any client of this shop needs. They hold before a document is validated,
 * which takes quadratic time of its fields.
 */
export const requestLimits: Readonly<DocumentSize> = {
  tokens: 2_000,
  fields: 500,
  depth: 20,
  aliases: 30,
  rootFields: 20,
  directives: 50,
  introspectionLists: 3,
};

/** Objects and lists within each other, in `variables` and `extensions`. */
export const maxVariablesDepth = 20;
/** Larger bodies are refused before they are read to their end. */
export const maxBodyBytes = 1_048_576;
/** How long one request may go on: whatever it has not begun by then is not begun. */
export const maxExecutionMs = 10_000;

const limitNames: Record<keyof DocumentSize, string> = {
  tokens: "tokens",
  fields: "fields",
  depth: "levels",
  aliases: "aliases",
  rootFields: "fields of the operation itself",
  directives: "directives",
  introspectionLists: "lists within lists of introspection",
};

/** QUERY_TOO_COMPLEX: what there is too much of, the `limit` and the `value`. */
function tooComplex(what: string, limit: number, value: number): GraphQLError {
  const message = `The request is too large: it has ${value} ${what}, and ${limit} are the limit.`;
  return codedError(message, "QUERY_TOO_COMPLEX", { limit, value });
}

/**
 * Counts the tokens of a document, at most up to ten times the limit. Throws QUERY_TOO_COMPLEX; a
 * text that is no GraphQL is left to the parser.
 */
export function assertFewTokens(source: string): void {
  const tokens = countTokens(source, requestLimits.tokens * 10);
  if (tokens > requestLimits.tokens) throw tooComplex("tokens", requestLimits.tokens, tokens);
}

function countTokens(source: string, max: number): number {
  const lexer = new Lexer(new Source(source));
  let count = 0;
  try {
    while (count < max && lexer.advance().kind !== "<EOF>") count += 1;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
  }
  return count;
}

/** Throws QUERY_TOO_COMPLEX for a document that is larger than any limit, apart from its tokens. */
export function assertSmall(document: DocumentNode): void {
  for (const [key, value] of Object.entries(sizeOf(document))) {
    const name = key as keyof DocumentSize;
    const limit = requestLimits[name];
    if (value > limit) throw tooComplex(limitNames[name], limit, value);
  }
}

/** Measures a document. */
export function measure(source: string, document: DocumentNode): DocumentSize {
  return { tokens: countTokens(source, Infinity), ...sizeOf(document) };
}

/** What is below a set of selections, through the fragments that it spreads. */
interface Extent {
  depth: number;
  rootFields: number;
  introspectionLists: number;
}

const nothing: Extent = { depth: 0, rootFields: 0, introspectionLists: 0 };
const introspectionListFields = new Set([
  ...["types", "fields", "interfaces", "possibleTypes", "inputFields", "enumValues", "args"],
]);

function sizeOf(document: DocumentNode): Omit<DocumentSize, "tokens"> {
  const counts = { fields: 0, aliases: 0, directives: 0 };
  const fragments = new Map<string, FragmentDefinitionNode>();
  const extents = new Map<string, Extent>();
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition") fragments.set(definition.name.value, definition);
    countNodes(definition, counts);
  }

  function extentOf(set: SelectionSetNode): Extent {
    const extent = { ...nothing };
    for (const selection of set.selections) {
      if (selection.kind === "Field") {
        const inner = selection.selectionSet ? extentOf(selection.selectionSet) : nothing;
        const isList = introspectionListFields.has(selection.name.value);
        extent.rootFields += 1;
        extent.depth = Math.max(extent.depth, 1 + inner.depth);
        const lists = inner.introspectionLists + (isList && selection.selectionSet ? 1 : 0);
        extent.introspectionLists = Math.max(extent.introspectionLists, lists);
      } else {
        const inner =
          selection.kind === "InlineFragment"
            ? extentOf(selection.selectionSet)
            : extentOfFragment(selection.name.value);
        extent.rootFields += inner.rootFields;
        extent.depth = Math.max(extent.depth, inner.depth);
        extent.introspectionLists = Math.max(extent.introspectionLists, inner.introspectionLists);
      }
    }
    return extent;
  }

  /** Each fragment is looked at once; one in a circle is refused by validation. */
  function extentOfFragment(name: string): Extent {
    const known = extents.get(name);
    if (known !== undefined) return known;
    extents.set(name, nothing);
    const fragment = fragments.get(name);
    const extent = fragment ? extentOf(fragment.selectionSet) : nothing;
    extents.set(name, extent);
    return extent;
  }

  const largest = { ...nothing };
  for (const definition of document.definitions) {
    if (definition.kind !== "OperationDefinition") continue;
    const extent = extentOf(definition.selectionSet);
    for (const key of Object.keys(largest) as (keyof Extent)[]) {
      largest[key] = Math.max(largest[key], extent[key]);
    }
  }
  return { ...counts, ...largest };
}

/** A definition, a selection or a variable, as far as it is counted. */
interface CountedNode {
  kind: ASTNode["kind"];
  alias?: unknown;
  directives?: readonly unknown[];
  selectionSet?: { selections: readonly CountedNode[] };
  variableDefinitions?: readonly CountedNode[];
}

/** Counts without recursion: a tree may be as deep as its tokens allow. */
function countNodes(
  root: CountedNode,
  counts: { fields: number; aliases: number; directives: number },
): void {
  const open: CountedNode[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    counts.directives += node.directives?.length ?? 0;
    if (node.kind === "Field") {
      counts.fields += 1;
      if (node.alias !== undefined) counts.aliases += 1;
    }
    open.push(...(node.selectionSet?.selections ?? []), ...(node.variableDefinitions ?? []));
  }
}

/** Throws QUERY_TOO_COMPLEX for JSON that is nested too deeply. */
export function assertShallow(json: unknown, name: string): void {
  let level: unknown[] = [json];
  let depth = 0;
  while ((level = level.flatMap(membersOf)).length > 0) {
    depth += 1;
    if (depth > maxVariablesDepth) {
      throw tooComplex(`levels of ${name} or more`, maxVariablesDepth, depth);
    }
  }
}

function membersOf(json: unknown): unknown[] {
  if (typeof json !== "object" || json === null) return [];
  return Object.values(json).filter((member) => typeof member === "object" && member !== null);
}
