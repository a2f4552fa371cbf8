import fc from "fast-check";
import {
  DirectiveLocation,
  getNamedType,
  getNullableType,
  introspectionTypes,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredArgument,
  isRequiredInputField,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
} from "graphql";
import { DocumentWriter, type Write } from "./document-writer.ts";
import { literal, valuesFor, type Plausible, type ValuesOf } from "./graphql-values.ts";

/** The parameters of a request, as in GraphQL over HTTP. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  operationName?: string;
}

/** A field or directive with its arguments. */
interface WithArguments {
  name: string;
  args: readonly GraphQLArgument[];
}

type OperationKind = "query" | "mutation" | "subscription";

const maxDepth = 4;
const maxSelections = 4;

/** Generates valid operations of a schema, from all that the schema allows. */
export function validOperations(
  schema: GraphQLSchema,
  plausible: Plausible,
): fc.Arbitrary<Operation> {
  const selections = new Selections(schema, valuesFor(plausible));
  const roots: [OperationKind, GraphQLCompositeType | null | undefined, number][] = [
    ["query", schema.getQueryType(), 6],
    ["mutation", schema.getMutationType(), 5],
    ["subscription", schema.getSubscriptionType(), 1],
  ];
  const options = roots.flatMap(([kind, type, weight]) =>
    type ? [{ weight, arbitrary: operationsOf(kind, selections.rootOf(kind, type)) }] : [],
  );
  return fc.oneof(...options);
}

function operationsOf(kind: OperationKind, root: fc.Arbitrary<Write>): fc.Arbitrary<Operation> {
  const names = fc.constantFrom<(string | undefined)[]>(undefined, undefined, "Named", "_", "on");
  const others = fc.constantFrom("", "", "", " query Other { __typename }");
  return fc.tuple(root, names, others).map(([writeRoot, given, other]) => {
    const writer = new DocumentWriter();
    const selection = writeRoot(writer);
    const name = other === "" ? given : (given ?? "Named");
    const { variables, definitions, fragments } = writer;
    const head = name === undefined && definitions === "" && kind === "query" ? "" : kind;
    const query = `${head} ${name ?? ""}${definitions} ${selection}${fragments}${other}`.trim();
    return { query, variables, ...(name !== undefined && { operationName: name }) };
  });
}

/** Generates selections of the types of a schema. Caches the arbitrary of each type and depth. */
class Selections {
  readonly #schema: GraphQLSchema;
  readonly #valuesOf: ValuesOf;
  readonly #sets = new Map<string, fc.Arbitrary<Write>>();

  constructor(schema: GraphQLSchema, valuesOf: ValuesOf) {
    this.#schema = schema;
    this.#valuesOf = valuesOf;
  }

  rootOf(kind: OperationKind, type: GraphQLCompositeType): fc.Arbitrary<Write> {
    if (kind === "query") return this.#setOf(type, maxDepth);
    // A subscription must have exactly one root field.
    const maxLength = kind === "mutation" ? 3 : 1;
    const field = fc.oneof(...this.#fieldsOf(type, maxDepth));
    return fc.array(field, { minLength: 1, maxLength }).map(inBraces);
  }

  #setOf(type: GraphQLCompositeType, depth: number): fc.Arbitrary<Write> {
    const key = `${type.name} ${depth}`;
    const cached = this.#sets.get(key);
    if (cached !== undefined) return cached;
    const fields = fc.oneof(...this.#fieldsOf(type, depth));
    const possible = isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [];
    const deeper =
      depth > 0
        ? [
            this.#inline(type, depth - 1),
            this.#spread(type, depth - 1),
            ...possible.map((one) => this.#inline(one, depth - 1, ` on ${one.name}`)),
          ]
        : [];
    const selection = fc.oneof(
      { weight: 12, arbitrary: fields },
      ...deeper.map((arbitrary) => ({ weight: 1, arbitrary })),
    );
    const set = fc.array(selection, { minLength: 1, maxLength: maxSelections }).map(inBraces);
    this.#sets.set(key, set);
    return set;
  }

  /** @param on the type condition; by default, `type` or none */
  #inline(type: GraphQLCompositeType, depth: number, on?: string): fc.Arbitrary<Write> {
    const condition = on === undefined ? fc.constantFrom(` on ${type.name}`, "") : fc.constant(on);
    return fc.tuple(condition, this.#directives(), this.#setOf(type, depth)).map(
      ([on, directives, set]) =>
        (writer) =>
          `...${on}${directives(writer)} ${set(writer)}`,
    );
  }

  #spread(type: GraphQLCompositeType, depth: number): fc.Arbitrary<Write> {
    return fc
      .tuple(this.#setOf(type, depth), this.#directives(), fc.boolean())
      .map(([set, directives, twice]) => (writer) => {
        const name = writer.fragment(type.name, set(writer));
        return `...${name}${directives(writer)}${twice ? ` ...${name}` : ""}`;
      });
  }

  #fieldsOf(type: GraphQLCompositeType, depth: number): fc.Arbitrary<Write>[] {
    const typeFields = "getFields" in type ? Object.values(type.getFields()) : [];
    const meta = type === this.#schema.getQueryType() ? [SchemaMetaFieldDef, TypeMetaFieldDef] : [];
    return [...typeFields, TypeNameMetaFieldDef, ...meta]
      .filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)))
      .map((field) => this.#field(field, depth));
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): fc.Arbitrary<Write> {
    const type = getNamedType(field.type);
    const set = isCompositeType(type)
      ? this.#setOf(this.#typeOf(type), depth - 1)
      : fc.constant(nothing);
    return fc
      .tuple(seldom, this.#arguments(field), this.#directives(), set)
      .map(([renamed, args, directives, subset]) => (writer) => {
        const key = writer.keyOf(field.name, { renamed, hasArguments: field.args.length > 0 });
        return `${key}${args(writer)}${directives(writer)} ${subset(writer)}`;
      });
  }

  /** Introspection types are those of graphql-js, not of a built schema. */
  #typeOf(type: GraphQLCompositeType): GraphQLCompositeType {
    const introspectionType = introspectionTypes.find(({ name }) => name === type.name);
    return introspectionType !== undefined && isCompositeType(introspectionType)
      ? introspectionType
      : type;
  }

  #directives(): fc.Arbitrary<Write> {
    const usable = this.#schema
      .getDirectives()
      .filter(({ locations }) =>
        [
          DirectiveLocation.FIELD,
          DirectiveLocation.FRAGMENT_SPREAD,
          DirectiveLocation.INLINE_FRAGMENT,
        ].every((place) => locations.includes(place)),
      );
    const directive = usable.map(({ name, args }) =>
      this.#arguments({ name, args }).map(
        (write): Write =>
          (writer) =>
            ` @${name}${write(writer)}`,
      ),
    );
    return fc.oneof(
      { weight: 15, arbitrary: fc.constant(nothing) },
      { weight: 1, arbitrary: fc.oneof(...directive) },
    );
  }

  #arguments({ name, args }: WithArguments): fc.Arbitrary<Write> {
    const written = args.map((arg) => {
      const input = this.#input(arg.type, `${name}.${arg.name}`).map(
        (write): Write =>
          (writer) =>
            `${arg.name}: ${write(writer)}`,
      );
      return isRequiredArgument(arg) ? input : fc.option(input, { nil: nothing, freq: 2 });
    });
    return fc.tuple(...written).map((writes) => (writer) => {
      const parts = writes.map((write) => write(writer)).filter((part) => part !== "");
      return parts.length > 0 ? `(${parts.join(", ")})` : "";
    });
  }

  /** Generates a value as a variable, a literal, or a literal that contains variables. */
  #input(type: GraphQLInputType, name: string): fc.Arbitrary<Write> {
    const value = this.#valuesOf(type, name);
    const variable = fc.tuple(value, fc.constantFrom("given", "given", "default", "both")).map(
      ([given, how]): Write =>
        (writer) =>
          writer.variable(type, given, how),
    );
    const whole = value.map(
      (given): Write =>
        () =>
          literal(given, type),
    );
    return fc.oneof(variable, whole, this.#inputInParts(type, name) ?? whole);
  }

  #inputInParts(type: GraphQLInputType, name: string): fc.Arbitrary<Write> | undefined {
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      const item = this.#input(nullable.ofType, name);
      return fc.array(item, { maxLength: 3 }).map((writes) => (writer) => {
        return `[${writes.map((write) => write(writer)).join(" ")}]`;
      });
    }
    if (isEnumType(nullable) || !isInputObjectType(nullable)) return undefined;
    const fields = Object.values(nullable.getFields()).map((field) => {
      const input = this.#input(field.type, `${nullable.name}.${field.name}`).map(
        (write): Write =>
          (writer) =>
            `${field.name}: ${write(writer)}`,
      );
      return isRequiredInputField(field) ? input : fc.option(input, { nil: nothing });
    });
    return fc.tuple(...fields).map((writes) => (writer) => {
      return `{ ${writes.map((write) => write(writer)).join(" ")} }`;
    });
  }
}

const nothing: Write = () => "";
const seldom = fc.constantFrom(false, false, false, true);

function inBraces(writes: Write[]): Write {
  return (writer) => `{ ${writes.map((write) => write(writer)).join(" ")} }`;
}
