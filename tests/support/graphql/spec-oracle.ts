import {
  Kind,
  isAbstractType,
  isListType,
  isNonNullType,
  isObjectType,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { getArgumentValues } from "graphql/execution/values.js";

/**
 * Executes an operation as chapter 6 of the GraphQL specification is written, step by step and one
 * after the other, with nothing remembered: slow, and simple enough to be seen right. Returns the
 * `data` of the answer.
 */
export async function dataBySpecification(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  return new SpecificationRun(schema, document, variables).dataOf(operation);
}

class SpecificationRun {
  readonly #schema: GraphQLSchema;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();

  constructor(
    schema: GraphQLSchema,
    { definitions }: DocumentNode,
    variables: Readonly<Record<string, unknown>>,
  ) {
    this.#schema = schema;
    this.#variables = variables;
    for (const definition of definitions) {
      if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
      this.#fragments.set(definition.name.value, definition);
    }
  }

  /** 6.2 Executing Operations */
  async dataOf({ operation, selectionSet }: OperationDefinitionNode): Promise<unknown> {
    const roots = {
      query: this.#schema.getQueryType(),
      mutation: this.#schema.getMutationType(),
    };
    const root = roots[operation as "query" | "mutation"];
    if (!root) throw new Error("the schema has no such root type");
    try {
      const groups = this.#collect(root, selectionSet, new Map(), new Set());
      return await this.#execute(root, {}, groups);
    } catch {
      return null;
    }
  }

  /** 6.3.2 CollectFields */
  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    groups: Map<string, FieldNode[]>,
    visited: Set<string>,
  ): Map<string, FieldNode[]> {
    for (const selection of selections) {
      if (this.#condition(selection, "skip") === true) continue;
      if (this.#condition(selection, "include") === false) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        groups.set(key, [...(groups.get(key) ?? []), selection]);
        continue;
      }
      const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined;
      if (name !== undefined && visited.has(name)) continue;
      if (name !== undefined) visited.add(name);
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD ? this.#fragments.get(name ?? "") : selection;
      if (fragment === undefined) continue;
      const on = fragment.typeCondition && this.#schema.getType(fragment.typeCondition.name.value);
      const applies =
        !on || on === type || (isAbstractType(on) && this.#schema.isSubType(on, type));
      if (applies) this.#collect(type, fragment.selectionSet, groups, visited);
    }
    return groups;
  }

  #condition(selection: SelectionNode, directive: string): unknown {
    const node = selection.directives?.find(({ name }) => name.value === directive);
    const value = node?.arguments?.[0]?.value;
    if (value?.kind === Kind.VARIABLE) return this.#variables[value.name.value];
    return value?.kind === Kind.BOOLEAN ? value.value : undefined;
  }

  /** 6.3 Executing Selection Sets, always serially */
  async #execute(
    type: GraphQLObjectType,
    source: unknown,
    groups: Map<string, FieldNode[]>,
  ): Promise<object> {
    const result = new Map<string, unknown>();
    for (const [key, nodes] of groups) result.set(key, await this.#field(type, source, nodes));
    const object = {};
    for (const [key, value] of result) {
      Object.defineProperty(object, key, { value, enumerable: true });
    }
    return object;
  }

  /** 6.4 Executing Fields */
  async #field(type: GraphQLObjectType, source: unknown, nodes: FieldNode[]): Promise<unknown> {
    const [node] = nodes as [FieldNode];
    if (node.name.value === "__typename") return type.name;
    const definition = type.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
    try {
      const args = getArgumentValues(definition, node, this.#variables);
      const info = { fieldName: definition.name } as GraphQLResolveInfo;
      const value: unknown = definition.resolve
        ? await definition.resolve(source, args, undefined, info)
        : (source as Record<string, unknown>)[definition.name];
      return await this.#complete(definition.type, nodes, value);
    } catch (error) {
      if (isNonNullType(definition.type)) throw error;
      return null;
    }
  }

  /** 6.4.3 Value Completion */
  async #complete(type: GraphQLOutputType, nodes: FieldNode[], given: unknown): Promise<unknown> {
    const value = await given;
    if (isNonNullType(type)) {
      const completed = await this.#complete(type.ofType as GraphQLOutputType, nodes, value);
      if (completed === null) throw new Error("null where there must be a value");
      return completed;
    }
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    if (isListType(type)) {
      const items: unknown[] = [];
      const itemType = type.ofType;
      for (const item of value as unknown[]) {
        try {
          items.push(await this.#complete(itemType, nodes, item));
        } catch (error) {
          if (isNonNullType(itemType)) throw error;
          items.push(null);
        }
      }
      return items;
    }
    const runtime = isAbstractType(type)
      ? this.#schema.getType((value as { __typename: string }).__typename)
      : type;
    if (isAbstractType(type) && !(isObjectType(runtime) && this.#schema.isSubType(type, runtime))) {
      throw new Error("a value of a type that the field cannot have");
    }
    if (!isObjectType(runtime))
      return (type as { serialize(v: unknown): unknown }).serialize(value);
    const groups = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const { selectionSet } of nodes) {
      if (selectionSet) this.#collect(runtime, selectionSet, groups, visited);
    }
    return this.#execute(runtime, value, groups);
  }
}
