import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { Kind, print, type DocumentNode, type OperationDefinitionNode } from "graphql";
import { keyedMutations } from "./generated/keyed-mutations.ts";

/** A document with the types of its result and of its variables. */
export type TypedDocument<Data, Variables> = TypedDocumentNode<Data, Variables>;

/** What the client has to know about the operation of a document. */
export interface Operation {
  type: "query" | "mutation" | "subscription";
  text: string;
  /** A repetition has no second effect: a query, or mutations that observe the idempotency key. */
  isRepeatable: boolean;
  hasOneField: boolean;
  /** The variable `$after` is declared: a lost subscription can continue after a cursor. */
  takesAfter: boolean;
}

const operations = new WeakMap<DocumentNode, Operation>();

/** Returns the operation of a document. Throws TypeError unless the document has exactly one. */
export function operationOf(document: DocumentNode): Operation {
  const known = operations.get(document);
  if (known) return known;
  const definitions = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const [definition, ...others] = definitions as OperationDefinitionNode[];
  if (definition === undefined || others.length > 0) {
    throw new TypeError(`The document has ${definitions.length} operations instead of one.`);
  }
  const operation = describe(definition, print(document));
  operations.set(document, operation);
  return operation;
}

function describe(definition: OperationDefinitionNode, text: string): Operation {
  const { selectionSet, variableDefinitions = [] } = definition;
  const type: Operation["type"] = definition.operation;
  const { selections } = selectionSet;
  const isKeyed = selections.every(
    (selection) => selection.kind === Kind.FIELD && keyedMutations.has(selection.name.value),
  );
  return {
    type,
    text,
    isRepeatable: type === "query" || (type === "mutation" && isKeyed),
    hasOneField: selections.length === 1 && selections[0]?.kind === Kind.FIELD,
    takesAfter: variableDefinitions.some(({ variable }) => variable.name.value === "after"),
  };
}
