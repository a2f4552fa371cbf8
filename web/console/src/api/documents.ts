import { Kind, type DocumentNode } from "graphql";

/** Returns the name of the operation of a document. */
function nameOf(document: DocumentNode): string {
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION && definition.name) {
      return definition.name.value;
    }
  }
  throw new TypeError("The document has no named operation.");
}

/**
 * Returns the key under which the results of a document are cached. Without variables, it is the
 * prefix of all of them: `queryClient.invalidateQueries({ queryKey: keyOf(OrderDocument) })`.
 */
export function keyOf(document: DocumentNode, variables?: object): unknown[] {
  return variables === undefined ? [nameOf(document)] : [nameOf(document), variables];
}
