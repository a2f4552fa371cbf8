import {
  GraphQLError,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";
import { maxListRows } from "../../core/validation.ts";

/**
 * What one document may cost. A field costs 1, and what lies below a list costs as often as the
 * list may have rows: so this is about the number of values in the largest possible answer.
 */
export const maxQueryCost = 200_000;

/** Rows of a list that takes no `limit`, as far as costs go. */
const usualRows = 20;

/**
 * A validation rule that refuses a document whose answer could be too large, before anything of
 * it is executed. Introspection is not counted: its lists are as long as the schema.
 */
export function queryCostRule(context: ValidationContext): ASTVisitor {
  const costOfFragment = new Map<string, number>();

  function costOfSelections(set: SelectionSetNode, parent: GraphQLNamedType): number {
    let cost = 0;
    for (const selection of set.selections) {
      if (selection.kind === "Field") {
        cost += costOfField(selection, parent);
      } else if (selection.kind === "InlineFragment") {
        const named = selection.typeCondition?.name.value;
        const type = named === undefined ? parent : context.getSchema().getType(named);
        if (type) cost += costOfSelections(selection.selectionSet, type);
      } else {
        const fragment = context.getFragment(selection.name.value);
        if (fragment) cost += costOf(fragment);
      }
    }
    return cost;
  }

  /** Each fragment is looked at once, however often it is spread; one in a circle is refused elsewhere. */
  function costOf(fragment: FragmentDefinitionNode): number {
    const name = fragment.name.value;
    const known = costOfFragment.get(name);
    if (known !== undefined) return known;
    costOfFragment.set(name, 0);
    const type = context.getSchema().getType(fragment.typeCondition.name.value);
    const cost = type ? costOfSelections(fragment.selectionSet, type) : 0;
    costOfFragment.set(name, cost);
    return cost;
  }

  function costOfField(node: FieldNode, parent: GraphQLNamedType): number {
    if (!isObjectType(parent) && !isInterfaceType(parent)) return 1;
    const field = parent.getFields()[node.name.value];
    if (field === undefined || node.selectionSet === undefined) return 1;
    const type = getNamedType(field.type);
    if (!isCompositeType(type)) return 1;
    return 1 + rowsOf(field, node) * costOfSelections(node.selectionSet, type);
  }

  return {
    OperationDefinition(operation) {
      const type = context.getSchema().getType(rootTypes[operation.operation]);
      if (!type) return;
      const counted = costOfSelections(operation.selectionSet, type);
      const cost = Math.min(counted, Number.MAX_SAFE_INTEGER);
      if (cost <= maxQueryCost) return;
      const message = `The answer could have ${cost} values, and ${maxQueryCost} are the limit; ask for fewer rows with "limit".`;
      const extensions = { code: "QUERY_TOO_COMPLEX", limit: maxQueryCost, value: cost };
      context.reportError(new GraphQLError(message, operation, null, null, null, null, extensions));
    },
  };
}

const rootTypes = { query: "Query", mutation: "Mutation", subscription: "Subscription" };

/** How many rows a field may give: as many as its `limit` says, where it takes one. */
function rowsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): number {
  if (!isListType(getNullableType(field.type))) return 1;
  if (!field.args.some(({ name }) => name === "limit")) return usualRows;
  const value = node.arguments?.find(({ name }) => name.value === "limit")?.value;
  // A variable may be anything; what it can be at most counts.
  if (value?.kind !== "IntValue") return maxListRows;
  return Math.min(maxListRows, Math.max(0, Number(value.value)));
}
