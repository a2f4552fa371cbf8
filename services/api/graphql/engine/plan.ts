import {
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLAbstractType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { assertWithin } from "../../limits/request-limits.ts";
import { argumentsReader, type ArgumentsReader } from "./arguments.ts";
import { propertyOf } from "./property-fields.ts";

/**
 * The normal form of an operation by "6.3.2 Field Collection" of the GraphQL specification: `@skip`
 * and `@include` are applied, fragments are expanded, and fields of the same response key are
 * merged. It depends only on the document and on the values of the variables in conditions.
 */
export interface SelectionPlan {
  type: GraphQLObjectType;
  /** In the order of the response. */
  fields: readonly PlannedField[];
  /** Whether all fields are leaves that can be properties of the value. */
  isFlat: boolean;
  /** Whether a response key is `__proto__`, which assignment does not make a property. */
  hasProto: boolean;
}

/** A field of the normal form. */
export interface PlannedField {
  responseKey: string;
  parentType: GraphQLObjectType;
  definition: GraphQLField<unknown, unknown>;
  /** The property of the parent object that can have the value. */
  property: string | undefined;
  /** The merged nodes of the document. They agree in name and arguments. */
  nodes: readonly [FieldNode, ...FieldNode[]];
  readArguments: ArgumentsReader;
  shape: Shape;
  /** The plans of the selections below, by the runtime type of the value. Empty for leaves. */
  selections: ReadonlyMap<GraphQLObjectType, SelectionPlan>;
}

/** Returns true if the objects of a field are read for a property, whatever their runtime type is. */
export function readsProperty({ selections }: PlannedField, property: string): boolean {
  for (const { fields } of selections.values()) {
    if (fields.some((field) => field.property === property)) return true;
  }
  return false;
}

/** The type of a field, in the form that completion needs. */
export type Shape = { isNonNull: boolean } & (
  | { kind: "leaf"; type: GraphQLLeafType }
  | { kind: "object"; type: GraphQLObjectType }
  | { kind: "abstract"; type: GraphQLAbstractType }
  | { kind: "list"; item: Shape }
);

/** Values of the variables in `@skip` and `@include`, by name. */
export type Conditions = ReadonlyMap<string, boolean>;

/** Fragments by name, as an object without a prototype. */
export type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/**
 * Makes the plan of an operation of a valid document. Throws QUERY_TOO_COMPLEX for more fields than
 * `requestLimits.expandedFields`.
 */
export function planOperation(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  conditions: Conditions,
): SelectionPlan {
  const planner = new Planner(schema, fragments, conditions);
  return planner.plan(rootTypeOf(schema, operation), [operation.selectionSet]);
}

/** Returns the names of the variables in conditions that an operation reaches, sorted. */
export function conditionVariables(
  operation: OperationDefinitionNode,
  fragments: Fragments,
): string[] {
  const names = new Set<string>();
  const visited = new Set<string>();
  const open: SelectionNode[] = [...operation.selectionSet.selections];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const { value } of conditionsOf(node)) {
      if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    }
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      if (visited.has(node.name.value)) continue;
      visited.add(node.name.value);
      open.push(...(fragments[node.name.value]?.selectionSet.selections ?? []));
    } else {
      open.push(...(node.selectionSet?.selections ?? []));
    }
  }
  return [...names].sort();
}

/** Collects and merges the fields of one operation. */
class Planner {
  readonly #schema: GraphQLSchema;
  readonly #fragments: Fragments;
  readonly #conditions: Conditions;
  #fieldCount = 0;

  constructor(schema: GraphQLSchema, fragments: Fragments, conditions: Conditions) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#conditions = conditions;
  }

  /** @param sets the selection sets of all merged nodes */
  plan(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): SelectionPlan {
    const collected = new Map<string, [FieldNode, ...FieldNode[]]>();
    const visited = new Set<string>();
    for (const set of sets) this.#collect(type, set, collected, visited);
    const fields = [...collected].map(([responseKey, nodes]) =>
      this.#planField(type, responseKey, nodes),
    );
    const isFlat = fields.every(
      ({ shape, property }) => shape.kind === "leaf" && property !== undefined,
    );
    const hasProto = collected.has("__proto__");
    return { type, fields, isFlat, hasProto };
  }

  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    collected: Map<string, [FieldNode, ...FieldNode[]]>,
    visited: Set<string>,
  ): void {
    for (const node of selections) {
      if (!this.#isIncluded(node)) continue;
      if (node.kind === Kind.FIELD) {
        const key = (node.alias ?? node.name).value;
        const nodes = collected.get(key);
        if (nodes === undefined) collected.set(key, [node]);
        else nodes.push(node);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (this.#applies(node.typeCondition?.name.value, type)) {
          this.#collect(type, node.selectionSet, collected, visited);
        }
      } else {
        const fragment = this.#fragments[node.name.value];
        if (fragment === undefined || visited.has(node.name.value)) continue;
        visited.add(node.name.value);
        if (this.#applies(fragment.typeCondition.name.value, type)) {
          this.#collect(type, fragment.selectionSet, collected, visited);
        }
      }
    }
  }

  #planField(
    parentType: GraphQLObjectType,
    responseKey: string,
    nodes: [FieldNode, ...FieldNode[]],
  ): PlannedField {
    this.#fieldCount += 1;
    assertWithin("expandedFields", this.#fieldCount);
    const [{ name }] = nodes;
    const definition = fieldOf(this.#schema, parentType, name.value);
    if (!definition) throw new Error(`There is no field ${parentType.name}.${name.value}.`);
    const named = getNamedType(definition.type);
    const types = isCompositeType(named) ? this.#runtimeTypes(named) : [];
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    return {
      responseKey,
      parentType,
      definition,
      property: propertyOf(definition),
      nodes,
      readArguments: argumentsReader(definition, nodes[0]),
      shape: shapeOf(definition.type),
      selections: new Map(types.map((type) => [type, this.plan(type, sets)])),
    };
  }

  #runtimeTypes(type: GraphQLObjectType | GraphQLAbstractType): readonly GraphQLObjectType[] {
    return isObjectType(type) ? [type] : this.#schema.getPossibleTypes(type);
  }

  #applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const conditional = this.#schema.getType(condition);
    return isAbstractType(conditional) && this.#schema.isSubType(conditional, type);
  }

  #isIncluded(node: SelectionNode): boolean {
    return conditionsOf(node).every(({ directive, value }) => {
      const isTrue =
        value.kind === Kind.VARIABLE
          ? this.#conditions.get(value.name.value)
          : value.kind === Kind.BOOLEAN && value.value;
      return directive === "skip" ? isTrue !== true : isTrue === true;
    });
  }
}

/** Returns the directives `@skip` and `@include` of a selection, with their `if` values. */
function conditionsOf({ directives = [] }: SelectionNode) {
  return directives.flatMap(({ name, arguments: args = [] }) => {
    const [argument] = args;
    const isCondition = name.value === "skip" || name.value === "include";
    return isCondition && argument ? [{ directive: name.value, value: argument.value }] : [];
  });
}

function shapeOf(type: GraphQLOutputType): Shape {
  if (isNonNullType(type)) {
    return { ...shapeOf(type.ofType as GraphQLOutputType), isNonNull: true };
  }
  const isNonNull = false;
  if (isListType(type)) {
    return { kind: "list", item: shapeOf(type.ofType), isNonNull };
  }
  if (isObjectType(type)) return { kind: "object", type, isNonNull };
  if (isAbstractType(type)) return { kind: "abstract", type, isNonNull };
  return { kind: "leaf", type: type, isNonNull };
}

/** Returns the definition of a field or an introspection field. */
function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === "__typename") return TypeNameMetaFieldDef;
  if (type === schema.getQueryType()) {
    if (name === "__schema") return SchemaMetaFieldDef;
    if (name === "__type") return TypeMetaFieldDef;
  }
  return type.getFields()[name];
}

function rootTypeOf(
  schema: GraphQLSchema,
  { operation }: OperationDefinitionNode,
): GraphQLObjectType {
  const types = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  const type = types[operation];
  if (!type) throw new Error(`The schema has no ${operation} type.`);
  return type;
}
