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
 * after the other, with nothing remembered: slow, and simple enough to be seen right. Gives the
 * `data` of the answer.
 */
export async function dataBySpecification(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
  }

  /** 6.3.2 CollectFields */
  function collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    groups: Map<string, FieldNode[]>,
    visited: Set<string>,
  ): Map<string, FieldNode[]> {
    for (const selection of selections) {
      if (condition(selection, "skip") === true) continue;
      if (condition(selection, "include") === false) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        groups.set(key, [...(groups.get(key) ?? []), selection]);
        continue;
      }
      const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined;
      if (name !== undefined && visited.has(name)) continue;
      if (name !== undefined) visited.add(name);
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(name ?? "") : selection;
      if (fragment === undefined) continue;
      const on = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
      const applies = !on || on === type || (isAbstractType(on) && schema.isSubType(on, type));
      if (applies) collect(type, fragment.selectionSet, groups, visited);
    }
    return groups;
  }

  function condition(selection: SelectionNode, directive: string): unknown {
    const node = selection.directives?.find(({ name }) => name.value === directive);
    const value = node?.arguments?.[0]?.value;
    if (value?.kind === Kind.VARIABLE) return variables[value.name.value];
    return value?.kind === Kind.BOOLEAN ? value.value : undefined;
  }

  /** 6.3 Executing Selection Sets, always serially */
  async function execute(
    type: GraphQLObjectType,
    source: unknown,
    groups: Map<string, FieldNode[]>,
  ): Promise<object> {
    const result = new Map<string, unknown>();
    for (const [key, nodes] of groups) result.set(key, await field(type, source, nodes));
    const object = {};
    for (const [key, value] of result) {
      Object.defineProperty(object, key, { value, enumerable: true });
    }
    return object;
  }

  /** 6.4 Executing Fields */
  async function field(
    type: GraphQLObjectType,
    source: unknown,
    nodes: FieldNode[],
  ): Promise<unknown> {
    const [node] = nodes as [FieldNode];
    if (node.name.value === "__typename") return type.name;
    const definition = type.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
    try {
      const args = getArgumentValues(definition, node, variables);
      const info = { fieldName: definition.name } as GraphQLResolveInfo;
      const value: unknown = definition.resolve
        ? await definition.resolve(source, args, undefined, info)
        : (source as Record<string, unknown>)[definition.name];
      return await complete(definition.type, nodes, value);
    } catch (error) {
      if (isNonNullType(definition.type)) throw error;
      return null;
    }
  }

  /** 6.4.3 Value Completion */
  async function complete(
    type: GraphQLOutputType,
    nodes: FieldNode[],
    given: unknown,
  ): Promise<unknown> {
    const value = await given;
    if (isNonNullType(type)) {
      const completed = await complete(type.ofType as GraphQLOutputType, nodes, value);
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
          items.push(await complete(itemType, nodes, item));
        } catch (error) {
          if (isNonNullType(itemType)) throw error;
          items.push(null);
        }
      }
      return items;
    }
    const runtime = isAbstractType(type)
      ? schema.getType((value as { __typename: string }).__typename)
      : type;
    if (isAbstractType(type) && !(isObjectType(runtime) && schema.isSubType(type, runtime))) {
      throw new Error("a value of a type that the field cannot have");
    }
    if (!isObjectType(runtime))
      return (type as { serialize(v: unknown): unknown }).serialize(value);
    const groups = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const { selectionSet } of nodes) {
      if (selectionSet) collect(runtime, selectionSet, groups, visited);
    }
    return execute(runtime, value, groups);
  }

  const roots = { query: schema.getQueryType(), mutation: schema.getMutationType() };
  const root = roots[operation.operation as "query" | "mutation"];
  if (!root) throw new Error("the schema has no such root type");
  try {
    return await execute(root, {}, collect(root, operation.selectionSet, new Map(), new Set()));
  } catch {
    return null;
  }
}
