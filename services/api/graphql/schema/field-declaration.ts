import { Kind, parse, type FieldDefinitionNode, type TypeNode } from "graphql";

/** Parses the declaration of a root field in a contract, which may start with a description. */
export function parseField(declaration: string): FieldDefinitionNode {
  const [type] = parse(`type Root { ${declaration} }`, { noLocation: true }).definitions;
  const [field] = type?.kind === Kind.OBJECT_TYPE_DEFINITION ? (type.fields ?? []) : [];
  if (field === undefined) throw new Error(`this is no declaration of a field: ${declaration}`);
  return field;
}

/** Returns the name of a field's type without its list and non-null marks. */
export function namedTypeOf({ type }: FieldDefinitionNode): string {
  let node: TypeNode = type;
  while (node.kind !== Kind.NAMED_TYPE) node = node.type;
  return node.name.value;
}
