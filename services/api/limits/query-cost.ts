import {
  Kind,
  getNamedType,
  getNullableType,
  isIntrospectionType,
  isListType,
  isObjectType,
  isInterfaceType,
  isInputObjectType,
  isEnumType,
  valueFromAST,
  type GraphQLField,
  type GraphQLSchema,
} from "graphql";
import { maxPageRows, usualPageRows } from "../../../core/relay-connection.ts";
import { maxListRows } from "../../../core/validation.ts";
import type { Variables } from "../graphql/engine/arguments.ts";
import type { PlannedField, SelectionPlan } from "../graphql/engine/plan.ts";

/** The cost of the work behind a field, beyond the values it returns, by `Type.field`. */
export type FieldCosts = ReadonlyMap<string, number>;

/** The maximum length of lists that take neither `limit` nor `first`, by `Type.field`. */
export type ListMaxima = ReadonlyMap<string, number>;

/** Fields that take a list of items in `input`: its name, and the cost of an item, by `Type.field`. */
export type ItemLists = ReadonlyMap<string, { parameter: string; costPerItem: number }>;

/** The size of the largest possible response, and the cost that an operation is charged. */
export interface OperationCost {
  /** Values of the largest possible response, plus the work. */
  max: number;
  /** The same for lists of usual length: charged before the actual size is known. */
  expected: number;
  /** Cost of the work that does not depend on the response. */
  work: number;
  /** Whether the cost does not depend on variables. */
  isFixed: boolean;
}

/** Usual length of a list that takes no `limit`. */
const usualRows = 20;

/** PostgreSQL reads the rows that `offset` skips, in about 1.6 microseconds each. */
const skippedRowsPerCost = 16;
/** A larger `offset` costs as much: it is probably behind the end of the list. */
const maxSkippedRows = 1_000_000;

/**
 * The cost of each different word of `search`, and of each part of a word such as `t-shirt`: PostgreSQL
 * reads all rows with a frequent one.
 */
const costOfWord = 100;

/** Computes the cost of operations on one schema. */
export class QueryCosts {
  readonly #fieldCosts: FieldCosts;
  readonly #listMaxima: ListMaxima;
  readonly #itemLists: ItemLists;

  /** Throws an Error if a list of the schema has no maximum: its responses would be unbounded. */
  constructor(
    schema: GraphQLSchema,
    fieldCosts: FieldCosts,
    listMaxima: ListMaxima,
    itemLists: ItemLists = new Map(),
  ) {
    this.#itemLists = itemLists;
    this.#fieldCosts = fieldCosts;
    this.#listMaxima = new Map([...listMaxima, ...introspectionRows(schema)]);
    const unbounded = unboundedLists(schema, this.#listMaxima);
    if (unbounded.length > 0) throw new Error(`lists without a maximum: ${unbounded.join(", ")}`);
  }

  /**
   * Returns the cost of an operation, which is about the number of values in the largest possible
   * response. A field costs 1. Selections below a list are multiplied by its maximum length, and by
   * at least 1. Introspection lists count with their average length.
   */
  of(plan: SelectionPlan, variables: Variables): OperationCost {
    const tally = { work: 0, isFixed: true };
    const { max, expected } = this.#below(plan, variables, undefined, tally);
    return { max: safe(max), expected: safe(expected), ...tally };
  }

  /** @param pageRows the maximum length of the lists of `plan`, if it selects from a connection */
  #below(
    plan: SelectionPlan,
    variables: Variables,
    pageRows: number | undefined,
    tally: { work: number; isFixed: boolean },
  ): Rows {
    const sum = { max: 0, expected: 0 };
    for (const field of plan.fields) {
      const { parentType, definition, shape, selections } = field;
      const rows = this.#rowsOf(field, variables, pageRows);
      const ownWork = this.#fieldCosts.get(`${parentType.name}.${definition.name}`) ?? 0;
      const reading = readingCost(field, variables);
      const work = ownWork + (rows.itemsCost ?? 0) + reading.cost;
      tally.work += work;
      tally.isFixed &&= !rows.isVariable && !reading.isVariable;
      // Of several possible runtime types, the most expensive type counts.
      const row = shape.kind === "list" && selections.size === 0 ? { ...one } : { ...none };
      for (const below of selections.values()) {
        const { max, expected } = this.#below(below, variables, rows.ofPage, tally);
        row.max = Math.max(row.max, max);
        row.expected = Math.max(row.expected, expected);
      }
      sum.max += 1 + work + rows.max * row.max;
      sum.expected += 1 + work + rows.expected * row.expected;
    }
    return sum;
  }

  /** Returns how many rows a field may have, by its argument `limit`, `first`, `last` or `ids`. */
  #rowsOf(field: PlannedField, variables: Variables, pageRows: number | undefined): FieldRows {
    const { definition, parentType, shape } = field;
    if (shape.kind !== "list") {
      const items = this.#itemLists.get(`${parentType.name}.${definition.name}`);
      if (items !== undefined) {
        const count = itemsArgument(field, items.parameter, variables);
        return { ...one, ofPage: count, itemsCost: count * items.costPerItem, isVariable: true };
      }
      if (!takes(definition, "first")) return { ...one, isVariable: false };
      const first = rowsArgument(field, "first", variables);
      const last = rowsArgument(field, "last", variables);
      const ofPage = within(first.rows ?? last.rows ?? usualPageRows, maxPageRows);
      return { ...one, ofPage, isVariable: first.isVariable || last.isVariable };
    }
    if (takes(definition, "limit")) {
      const { rows, isVariable } = rowsArgument(field, "limit", variables);
      const count = within(rows ?? maxListRows, maxListRows);
      return { max: count, expected: count, isVariable };
    }
    const max = pageRows ?? this.#listMaxima.get(`${parentType.name}.${definition.name}`) ?? 1;
    if (takes(definition, "ids")) {
      const { value, isVariable } = argumentOf(field, "ids", variables);
      const count = within(Array.isArray(value) ? value.length : max, max);
      return { max: count, expected: count, isVariable };
    }
    return { max, expected: pageRows ?? Math.min(max, usualRows), isVariable: false };
  }
}

/** Returns the cost of the rows that are read, but not returned, for `offset` and `search`. */
function readingCost(field: PlannedField, variables: Variables) {
  // Most fields: the cost of an operation with variables is computed for each request.
  if (field.definition.args.length === 0) return { cost: 0, isVariable: false };
  const { value: offset, ...ofOffset } = argumentOf(field, "offset", variables);
  const { value: search, ...ofSearch } = argumentOf(field, "search", variables);
  const skipped = typeof offset === "number" ? Math.min(Math.max(0, offset), maxSkippedRows) : 0;
  const words = typeof search === "string" ? wordsOf(search) : 0;
  return {
    cost: Math.floor(skipped / skippedRowsPerCost) + costOfWord * words,
    isVariable: ofOffset.isVariable || ofSearch.isVariable,
  };
}

/** Returns the number of different words and of different parts of them. */
function wordsOf(search: string): number {
  const parts = search.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return new Set([...parts, ...(search.match(/\S+/g) ?? [])]).size;
}

interface Rows {
  max: number;
  expected: number;
}

const one: Rows = { max: 1, expected: 1 };
const none: Rows = { max: 0, expected: 0 };

function safe(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}

/** How many values a field may have. */
interface FieldRows extends Rows {
  /** The maximum length of the lists in a connection, or in the result of a bulk mutation. */
  ofPage?: number;
  /** The cost of the items of a bulk mutation. */
  itemsCost?: number;
  isVariable: boolean;
}

/** An empty list counts as one row: its selections were planned all the same. */
function within(rows: number, max: number): number {
  return Math.min(max, Math.max(1, rows));
}

function takes({ args }: GraphQLField<unknown, unknown>, argument: string): boolean {
  return args.some(({ name }) => name === argument);
}

/** Returns the number of items in a list of `input`, and at least 1. */
function itemsArgument(
  { nodes, definition }: PlannedField,
  parameter: string,
  variables: Variables,
): number {
  const node = nodes[0].arguments?.find(({ name }) => name.value === "input")?.value;
  const declared = definition.args.find(({ name }) => name === "input");
  const input: unknown = declared && node && valueFromAST(node, declared.type, variables);
  const items = (input as Record<string, unknown> | undefined)?.[parameter];
  return Array.isArray(items) ? Math.max(1, items.length) : 1;
}

/** Returns the value of an integer argument, and whether a variable supplies it. */
function rowsArgument(field: PlannedField, name: string, variables: Variables) {
  const { value, isVariable } = argumentOf(field, name, variables);
  return { rows: typeof value === "number" ? value : undefined, isVariable };
}

/** Returns the value of an argument, and whether variables supply it. */
function argumentOf({ nodes, definition }: PlannedField, name: string, variables: Variables) {
  const node = nodes[0].arguments?.find((argument) => argument.name.value === name)?.value;
  const declared = definition.args.find((arg) => arg.name === name);
  if (declared === undefined) return { value: undefined, isVariable: false };
  const given: unknown = node && valueFromAST(node, declared.type, variables);
  const value = given === undefined ? declared.defaultValue : given;
  return { value, isVariable: node?.kind === Kind.VARIABLE };
}

/** Returns the lists of a schema that have neither a `limit` or `first` argument nor a maximum. */
export function unboundedLists(schema: GraphQLSchema, maxima: ListMaxima): string[] {
  // A plan selects from object types only, also below an interface.
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type));
  const fields = types.flatMap((type) =>
    Object.values(type.getFields()).map((field) => ({ type, field })),
  );
  const pages = new Set(
    fields
      .filter(({ field }) => takes(field, "first"))
      .map(({ field }) => getNamedType(field.type).name),
  );
  return fields
    .filter(({ field }) => isListType(getNullableType(field.type)) && !takes(field, "limit"))
    .filter(({ type, field }) => !pages.has(type.name) && !maxima.has(`${type.name}.${field.name}`))
    .map(({ type, field }) => `${type.name}.${field.name}`);
}

/** Returns the average length of each introspection list, empty lists not counted. */
function introspectionRows(schema: GraphQLSchema): ListMaxima {
  const types = Object.values(schema.getTypeMap());
  const withFields = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = withFields.flatMap((type) => Object.values(type.getFields()));
  const average = (lengths: number[]) => {
    const nonEmpty = lengths.filter((length) => length > 0);
    const sum = nonEmpty.reduce((total, length) => total + length, 0);
    return Math.max(1, Math.ceil(sum / Math.max(1, nonEmpty.length)));
  };
  const args = average(fields.map((field) => field.args.length));
  const rows: Record<string, number> = {
    "__Schema.types": types.length,
    "__Schema.directives": schema.getDirectives().length,
    "__Directive.args": args,
    "__Directive.locations": average(
      schema.getDirectives().map(({ locations }) => locations.length),
    ),
    "__Field.args": args,
    "__Type.fields": average(withFields.map((type) => Object.keys(type.getFields()).length)),
    "__Type.interfaces": average(withFields.map((type) => type.getInterfaces().length)),
    "__Type.possibleTypes": average(
      types.map((type) => (isInterfaceType(type) ? schema.getPossibleTypes(type).length : 0)),
    ),
    "__Type.enumValues": average(
      types.map((type) => (isEnumType(type) ? type.getValues().length : 0)),
    ),
    "__Type.inputFields": average(
      types.map((type) => (isInputObjectType(type) ? Object.keys(type.getFields()).length : 0)),
    ),
  };
  const lists = types.filter(isIntrospectionType).flatMap((type) =>
    isObjectType(type)
      ? Object.values(type.getFields())
          .filter((field) => isListType(getNullableType(field.type)))
          .map((field) => `${type.name}.${field.name}`)
      : [],
  );
  return new Map(lists.map((list) => [list, rows[list] ?? 1]));
}
