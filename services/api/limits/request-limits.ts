import { commonErrors } from "../../../core/errors.ts";
import {
  Kind,
  TokenKind,
  GraphQLError,
  Lexer,
  Source,
  type ASTNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { codedError } from "../graphql/graphql-errors.ts";

/** The limited quantities of a document. Of several operations, the largest counts. */
export interface DocumentSize {
  tokens: number;
  /** graphql-js scans all lines of a document to locate an error. */
  lines: number;
  fields: number;
  /** Fields after fragments are expanded: a fragment counts each time that it is spread. */
  expandedFields: number;
  /** Nesting depth of selections, through fragments. */
  depth: number;
  aliases: number;
  /** Fields of the root type, through fragments. */
  rootFields: number;
  directives: number;
  /** Nested introspection lists: `fields`, `interfaces`, `possibleTypes` … */
  introspectionLists: number;
}

/**
 * Several times what any client of this shop needs. The gateway checks them before it validates a
 * document, which takes quadratic time in its number of fields.
 */
export const requestLimits: Readonly<DocumentSize> = {
  tokens: 2_000,
  lines: 5_000,
  fields: 500,
  expandedFields: 2_000,
  depth: 20,
  aliases: 30,
  rootFields: 20,
  directives: 50,
  introspectionLists: 3,
};

export const maxDocumentCharacters = 100_000;
/** Fields and list items of a response: its largest possible size, and its actual size. */
export const maxQueryCost = 200_000;
/** Nesting depth of objects and lists, in `variables` and in `extensions`. */
export const maxVariablesDepth = 20;
/**
 * Object fields and list items, in `variables` and in `extensions`: twice those of a bulk mutation with
 * all fields of 1,000 products. A value takes many times the memory of its text.
 */
export const maxVariablesMembers = 15_000;
/** Objects, lists and their members in a body: those of both, and of the body itself. */
export const maxBodyValues = 2 * maxVariablesMembers + 100;
/** A larger body is rejected before it is received completely. */
export const maxBodyBytes = 1_048_576;
/** The deadline of a request: the gateway starts no calls after it. */
export const maxExecutionMs = 10_000;

const limitNames: Record<keyof DocumentSize, string> = {
  tokens: "tokens",
  lines: "lines",
  fields: "fields",
  expandedFields: "fields after its fragments are expanded",
  depth: "levels of nested selections",
  aliases: "aliases",
  rootFields: "root fields",
  directives: "directives",
  introspectionLists: "nested introspection lists",
};

/** Makes a QUERY_TOO_COMPLEX error that names the quantity, the `limit` and the `value`. */
function tooComplex(quantity: string, limit: number, value: number): GraphQLError {
  const message = `The request is too large: it has ${value} ${quantity}; the limit is ${limit}.`;
  return codedError(message, commonErrors.QUERY_TOO_COMPLEX, { limit, value });
}

/** Throws QUERY_TOO_COMPLEX if a quantity of a document exceeds its limit. */
export function assertWithin(name: keyof DocumentSize, value: number): void {
  const limit = requestLimits[name];
  if (value > limit) throw tooComplex(limitNames[name], limit, value);
}

/** Throws QUERY_TOO_COMPLEX for a document with too many characters. */
export function assertShort(source: string): void {
  const { length } = source;
  if (length <= maxDocumentCharacters) return;
  throw tooComplex("characters in its document", maxDocumentCharacters, length);
}

/**
 * Counts the tokens of a document, up to ten times the limit. Throws QUERY_TOO_COMPLEX for too many
 * tokens or lines. The parser reports syntax errors.
 */
export function assertFewTokens(source: string): number {
  const { tokens, lines } = sizeOfText(source, requestLimits.tokens * 10);
  assertWithin("tokens", tokens);
  assertWithin("lines", lines);
  return tokens;
}

function sizeOfText(source: string, maxTokens: number): TextSize {
  const lexer = new Lexer(new Source(source));
  let tokens = 0;
  try {
    while (tokens < maxTokens && lexer.advance().kind !== TokenKind.EOF) tokens += 1;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
  }
  return { tokens, lines: lexer.line };
}

type TextSize = Pick<DocumentSize, "tokens" | "lines">;
type TreeSize = Omit<DocumentSize, keyof TextSize>;

/**
 * Measures a document apart from its tokens and lines. Throws QUERY_TOO_COMPLEX if it exceeds a
 * limit.
 */
export function assertSmall(document: DocumentNode): TreeSize {
  const size = sizeOf(document);
  for (const [name, value] of Object.entries(size)) assertWithin(name as keyof DocumentSize, value);
  return size;
}

/** Measures a document without checking its limits. */
export function measure(source: string, document: DocumentNode): DocumentSize {
  return { ...sizeOfText(source, Infinity), ...sizeOf(document) };
}

/** The size of a selection set, through the fragments that it spreads. */
interface Extent {
  depth: number;
  rootFields: number;
  introspectionLists: number;
  expandedFields: number;
}

const nothing: Extent = { depth: 0, rootFields: 0, introspectionLists: 0, expandedFields: 0 };
const introspectionListFields = new Set([
  "types",
  "fields",
  "interfaces",
  "possibleTypes",
  "inputFields",
  "enumValues",
  "args",
]);

function sizeOf(document: DocumentNode): TreeSize {
  const counts = { fields: 0, aliases: 0, directives: 0 };
  const fragments = new Map<string, FragmentDefinitionNode>();
  const extents = new Map<string, Extent>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
    countNodes(definition, counts);
  }

  function extentOf(set: SelectionSetNode): Extent {
    const extent = { ...nothing };
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const inner = selection.selectionSet ? extentOf(selection.selectionSet) : nothing;
        const isList = introspectionListFields.has(selection.name.value);
        extent.rootFields += 1;
        extent.expandedFields += 1 + inner.expandedFields;
        extent.depth = Math.max(extent.depth, 1 + inner.depth);
        const lists = inner.introspectionLists + (isList && selection.selectionSet ? 1 : 0);
        extent.introspectionLists = Math.max(extent.introspectionLists, lists);
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? extentOf(selection.selectionSet)
            : extentOfFragment(selection.name.value);
        extent.rootFields += inner.rootFields;
        extent.expandedFields += inner.expandedFields;
        extent.depth = Math.max(extent.depth, inner.depth);
        extent.introspectionLists = Math.max(extent.introspectionLists, inner.introspectionLists);
      }
    }
    return extent;
  }

  /** Measures each fragment once. Validation rejects cyclic fragments. */
  function extentOfFragment(name: string): Extent {
    const measured = extents.get(name);
    if (measured !== undefined) return measured;
    extents.set(name, nothing);
    const fragment = fragments.get(name);
    const extent = fragment ? extentOf(fragment.selectionSet) : nothing;
    extents.set(name, extent);
    return extent;
  }

  const largest = { ...nothing };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const extent = extentOf(definition.selectionSet);
    for (const key of Object.keys(largest) as (keyof Extent)[]) {
      largest[key] = Math.max(largest[key], extent[key]);
    }
  }
  return { ...counts, ...largest };
}

/** The counted parts of a definition, a selection or a variable. */
interface CountedNode {
  kind: ASTNode["kind"];
  alias?: unknown;
  directives?: readonly unknown[];
  selectionSet?: { selections: readonly CountedNode[] };
  variableDefinitions?: readonly CountedNode[];
}

/** Counts without recursion: a document may be nested as deeply as its tokens allow. */
function countNodes(
  root: CountedNode,
  counts: { fields: number; aliases: number; directives: number },
): void {
  const open: CountedNode[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    counts.directives += node.directives?.length ?? 0;
    if (node.kind === Kind.FIELD) {
      counts.fields += 1;
      if (node.alias !== undefined) counts.aliases += 1;
    }
    open.push(...(node.selectionSet?.selections ?? []), ...(node.variableDefinitions ?? []));
  }
}

/** Throws QUERY_TOO_COMPLEX for JSON that is nested too deeply or has too many members. */
export function assertSmallJson(json: object, name: string): void {
  let level = [json];
  let members = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxVariablesDepth) {
      throw tooComplex(`levels of ${name} or more`, maxVariablesDepth, depth);
    }
    const next: object[] = [];
    for (const container of level) {
      const values: unknown[] = Array.isArray(container) ? container : Object.values(container);
      members += values.length;
      if (members > maxVariablesMembers) {
        throw tooComplex(`members of ${name} or more`, maxVariablesMembers, members);
      }
      for (const value of values) if (typeof value === "object" && value !== null) next.push(value);
    }
    level = next;
  }
}

/**
 * Whether a JSON text has more than `maxBodyValues` values. Unlike the parsed text, the count takes
 * no memory: a value takes up to 70 bytes.
 */
export function hasTooManyValues(json: string): boolean {
  const [quote, backslash, comma, bracket, brace] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];
  if (json.length <= maxBodyValues) return false;
  let values = 0;
  let isInText = false;
  for (let index = 0; index < json.length; index += 1) {
    const code = json.charCodeAt(index);
    if (code === quote) isInText = !isInText;
    else if (isInText && code === backslash) index += 1;
    else if (!isInText && (code === comma || code === bracket || code === brace)) values += 1;
  }
  return values > maxBodyValues;
}
