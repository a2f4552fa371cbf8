import { CriticalityLevel, diff } from "@graphql-inspector/core";
import type { GraphQLSchema } from "graphql";

/**
 * Compares a schema with the schema of the last release. Returns the faults: breaking changes that
 * are not accepted, and accepted changes that do not exist.
 *
 * @param accepted one breaking change per line, as the fault names it; `#` starts a comment
 */
export async function faultsOfChanges(
  released: GraphQLSchema,
  current: GraphQLSchema,
  accepted: string,
): Promise<string[]> {
  const changes = await diff(released, current);
  const breaking = changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ message }) => message);
  const lines = accepted
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return [
    ...breaking
      .filter((message) => !lines.includes(message))
      .map((message) => `Breaking change: ${message}`),
    ...lines
      .filter((line) => !breaking.includes(line))
      .map((line) => `Accepted, but no breaking change: ${line}`),
  ];
}
