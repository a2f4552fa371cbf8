import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { maxPageRows, usualPageRows } from "../../core/connection.ts";
import { maxListRows } from "../../core/validation.ts";

/** What one operation may cost. */
export const maxQueryCost = 200_000;

/** Rows of a list that takes no `limit`, as far as costs go. */
const usualRows = 20;

/** What fields cost beyond the values they give, by `Type.field`: work that a client can cause. */
export type FieldCosts = ReadonlyMap<string, number>;

export interface OperationCost {
  /** Of the largest possible answer. */
  total: number;
  /** Of the work that is done whatever the answer is. */
  work: number;
  /** Whether it is the same whatever the variables are. */
  isFixed: boolean;
}

/**
 * What an operation of a valid document may cost. A field costs 1, and what lies below a list
 * costs as often as the list may have rows: so this is about the number of values in the largest
 * possible answer. Introspection counts its fields only: its lists are as long as the schema.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  fieldCosts: FieldCosts,
): OperationCost {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition") fragments.set(definition.name.value, definition);
  }
  const given = { ...defaultsOf(operation), ...variables };
  const costOfFragment = new Map<string, number>();
  let work = 0;
  let isFixed = true;

  /** @param pageRows how many rows the lists of `parent` may have, where it is a connection */
  function costOfSelections(
    set: SelectionSetNode,
    parent: GraphQLNamedType,
    pageRows: number | undefined,
  ): number {
    let cost = 0;
    for (const selection of set.selections) {
      if (selection.kind === "Field") {
        cost += costOfField(selection, parent, pageRows);
      } else if (selection.kind === "InlineFragment") {
        const named = selection.typeCondition?.name.value;
        const type = named === undefined ? parent : schema.getType(named);
        if (type) cost += costOfSelections(selection.selectionSet, type, pageRows);
      } else {
        cost += costOfSpread(selection.name.value, pageRows);
      }
    }
    return cost;
  }

  /** Each fragment is looked at once for pages of a size, however often it is spread. */
  function costOfSpread(name: string, pageRows: number | undefined): number {
    const key = `${name} ${pageRows ?? ""}`;
    const known = costOfFragment.get(key);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const cost = type ? costOfSelections(fragment.selectionSet, type, pageRows) : 0;
    costOfFragment.set(key, cost);
    return cost;
  }

  function costOfField(
    node: FieldNode,
    parent: GraphQLNamedType,
    pageRows: number | undefined,
  ): number {
    if (!isObjectType(parent) && !isInterfaceType(parent)) return 1;
    const own = 1 + (fieldCosts.get(`${parent.name}.${node.name.value}`) ?? 0);
    work += own - 1;
    const field = parent.getFields()[node.name.value];
    if (field === undefined || node.selectionSet === undefined) return own;
    const type = getNamedType(field.type);
    if (!isCompositeType(type)) return own;
    const rows = rowsOf(field, node, given, pageRows);
    isFixed &&= !rows.isVariable;
    return own + rows.count * costOfSelections(node.selectionSet, type, rows.ofPage);
  }

  const root = schema.getType(rootTypes[operation.operation]);
  const total = root ? costOfSelections(operation.selectionSet, root, undefined) : 0;
  return { total: Math.min(total, Number.MAX_SAFE_INTEGER), work, isFixed };
}

const rootTypes = { query: "Query", mutation: "Mutation", subscription: "Subscription" };

/** The whole numbers that variables are when they are not given. */
function defaultsOf({
  variableDefinitions = [],
}: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    variableDefinitions.map(({ variable, defaultValue }) => [
      variable.name.value,
      literalOf(defaultValue),
    ]),
  );
}

/** How often what lies below a field may be there. */
interface Rows {
  count: number;
  /** For connections: how many rows the lists in them may have. */
  ofPage?: number;
  isVariable: boolean;
}

/** How many rows a field may give: as many as its arguments say, where it takes some for that. */
function rowsOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Readonly<Record<string, unknown>>,
  pageRows = usualRows,
): Rows {
  const takes = (argument: string) => field.args.some(({ name }) => name === argument);
  const asked = (argument: string) => {
    const value = node.arguments?.find(({ name }) => name.value === argument)?.value;
    const isVariable = value?.kind === "Variable";
    const given = isVariable ? variables[value.name.value] : literalOf(value);
    return { rows: typeof given === "number" ? Math.max(0, given) : undefined, isVariable };
  };
  if (!isListType(getNullableType(field.type))) {
    if (!takes("first")) return { count: 1, isVariable: false };
    const [first, last] = [asked("first"), asked("last")];
    const ofPage = Math.min(maxPageRows, first.rows ?? last.rows ?? usualPageRows);
    return { count: 1, ofPage, isVariable: first.isVariable || last.isVariable };
  }
  if (!takes("limit")) return { count: pageRows, isVariable: false };
  const { rows = maxListRows, isVariable } = asked("limit");
  return { count: Math.min(maxListRows, rows), isVariable };
}

function literalOf(value: { kind: string; value?: unknown } | undefined): number | undefined {
  return value?.kind === "IntValue" ? Number(value.value) : undefined;
}
