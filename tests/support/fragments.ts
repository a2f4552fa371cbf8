import type { DocumentNode, FragmentDefinitionNode } from "graphql";
import type { Fragments } from "../../services/api/engine/plan.ts";

/** The fragments of a document by name. */
export function fragmentsIn({ definitions }: DocumentNode): Fragments {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of definitions) {
    if (definition.kind === "FragmentDefinition") fragments[definition.name.value] = definition;
  }
  return fragments;
}
