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

/** What fields cost beyond the values they give, by `Type.field`: work that a client can cause. */
export type FieldCosts = ReadonlyMap<string, number>;

/** How many rows the lists can have that take neither `limit` nor `first`, by `Type.field`. */
export type ListMaxima = ReadonlyMap<string, number>;

/** How many values an answer could have, and what an operation is charged with. */
export interface OperationCost {
  /** Values of the largest possible answer, and the work. */
  max: number;
  /** The same for lists as they usually are: what is charged before the real size is known. */
  expected: number;
  /** Of the work that is done whatever the answer is. */
  work: number;
  /** Whether it is the same whatever the variables are. */
  isFixed: boolean;
}

/** Rows of a list that takes no `limit`, as they usually are. */
const usualRows = 20;

/** Counts the cost of operations of one schema. */
export class QueryCosts {
  readonly #fieldCosts: FieldCosts;
  readonly #listMaxima: ListMaxima;

  /** Throws where a list of the schema has no maximum: its answers would have no bound. */
  constructor(schema: GraphQLSchema, fieldCosts: FieldCosts, listMaxima: ListMaxima) {
    this.#fieldCosts = fieldCosts;
    this.#listMaxima = new Map([...listMaxima, ...introspectionRows(schema)]);
    const unbounded = unboundedLists(schema, this.#listMaxima);
    if (unbounded.length > 0) throw new Error(`lists without a maximum: ${unbounded.join(", ")}`);
  }

  /**
   * What an operation may cost. A field costs 1, and what lies below a list costs as often as the
   * list may have rows, and at least once: so this is about the number of values in the largest
   * possible answer. Lists of introspection count with the average length of their kind.
   */
  of(plan: SelectionPlan, variables: Variables): OperationCost {
    const tally = { work: 0, isFixed: true };
    const { max, expected } = this.#below(plan, variables, undefined, tally);
    return { max: safe(max), expected: safe(expected), ...tally };
  }

  /** @param pageRows how many rows the lists of `plan` may have, where it is a connection */
  #below(
    plan: SelectionPlan,
    variables: Variables,
    pageRows: number | undefined,
    tally: { work: number; isFixed: boolean },
  ): Rows {
    const sum = { max: 0, expected: 0 };
    for (const field of plan.fields) {
      const { parentType, definition, shape, selections } = field;
      const work = this.#fieldCosts.get(`${parentType.name}.${definition.name}`) ?? 0;
      const rows = this.#rowsOf(field, variables, pageRows);
      tally.work += work;
      tally.isFixed &&= !rows.isVariable;
      // Of several types that the value may have, the most expensive counts.
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

  /** How many rows a field may give: as many as its arguments say, where it takes some for that. */
  #rowsOf(field: PlannedField, variables: Variables, pageRows: number | undefined): FieldRows {
    const { definition, parentType, shape } = field;
    if (shape.kind !== "list") {
      if (!takes(definition, "first")) return { ...one, isVariable: false };
      const [first, last] = [asked(field, "first", variables), asked(field, "last", variables)];
      const ofPage = within(first.rows ?? last.rows ?? usualPageRows, maxPageRows);
      return { ...one, ofPage, isVariable: first.isVariable || last.isVariable };
    }
    if (takes(definition, "limit")) {
      const { rows, isVariable } = asked(field, "limit", variables);
      const count = within(rows ?? maxListRows, maxListRows);
      return { max: count, expected: count, isVariable };
    }
    const max = pageRows ?? this.#listMaxima.get(`${parentType.name}.${definition.name}`) ?? 1;
    return { max, expected: pageRows ?? Math.min(max, usualRows), isVariable: false };
  }
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

/** How often what lies below a field may be there. */
interface FieldRows extends Rows {
  /** For connections: how many rows the lists in them may have. */
  ofPage?: number;
  isVariable: boolean;
}

/** Even a list that is empty has been asked for, field by field. */
function within(rows: number, max: number): number {
  return Math.min(max, Math.max(1, rows));
}

function takes({ args }: GraphQLField<unknown, unknown>, argument: string): boolean {
  return args.some(({ name }) => name === argument);
}

/** The whole number that an argument is, if it is one. */
function asked({ nodes, definition }: PlannedField, name: string, variables: Variables) {
  const value = nodes[0].arguments?.find((argument) => argument.name.value === name)?.value;
  const declared = definition.args.find((argument) => argument.name === name);
  if (declared === undefined) return { rows: undefined, isVariable: false };
  const given: unknown = value && valueFromAST(value, declared.type, variables);
  const rows = given === undefined ? declared.defaultValue : given;
  return {
    rows: typeof rows === "number" ? rows : undefined,
    isVariable: value?.kind === Kind.VARIABLE,
  };
}

/** Gives the lists of a schema that neither take an argument for their rows nor have a maximum. */
export function unboundedLists(schema: GraphQLSchema, maxima: ListMaxima): string[] {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) || isInterfaceType(type),
  );
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

/** The average lengths of the lists of introspection, over what has any. */
function introspectionRows(schema: GraphQLSchema): ListMaxima {
  const types = Object.values(schema.getTypeMap());
  const withFields = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = withFields.flatMap((type) => Object.values(type.getFields()));
  const average = (lengths: number[]) => {
    const some = lengths.filter((length) => length > 0);
    const sum = some.reduce((total, length) => total + length, 0);
    return Math.max(1, Math.ceil(sum / Math.max(1, some.length)));
  };
  const args = average(fields.map((field) => field.args.length));
  const rows: Record<string, number> = {
    "__Schema.types": types.length,
    "__Schema.directives": schema.getDirectives().length,
    "__Directive.args": args,
    "__Directive.locations": average(schema.getDirectives().map((one) => one.locations.length)),
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
