import { isNonNullType, type GraphQLInputType } from "graphql";
import { literal, type Value } from "./graphql-values.ts";

/** Writes a part of a document and registers the variables and fragments that it needs. */
export type Write = (writer: DocumentWriter) => string;

/** Collects the variables, fragments and names of one document. */
export class DocumentWriter {
  readonly variables: Record<string, Value> = {};
  readonly #definitions: string[] = [];
  readonly #fragments: string[] = [];
  readonly #plainKeys = new Set<string>();
  #names = 0;

  /** The variable definitions `($v1: Int, …)`, or "". */
  get definitions(): string {
    return this.#definitions.length > 0 ? `(${this.#definitions.join(", ")})` : "";
  }

  /** The definitions of all fragments. */
  get fragments(): string {
    return this.#fragments.map((fragment) => ` ${fragment}`).join("");
  }

  /** Defines a variable with a value in the request, a default, or both. Returns its reference. */
  variable(type: GraphQLInputType, value: Value, from: string): string {
    const name = this.#name("v");
    const hasDefault = from !== "given" && !(value === null && isNonNullType(type));
    const byDefault = hasDefault ? ` = ${literal(value, type)}` : "";
    this.#definitions.push(`$${name}: ${String(type)}${byDefault}`);
    if (from !== "default" || !hasDefault) this.variables[name] = value;
    return `$${name}`;
  }

  /** Defines a fragment. Returns its name. */
  fragment(typeName: string, selectionSet: string): string {
    const name = this.#name("F");
    this.#fragments.push(`fragment ${name} on ${typeName} ${selectionSet}`);
    return name;
  }

  /**
   * Returns the field name, with an alias if requested or needed: fields with the same response key must
   * not differ in their arguments.
   */
  keyOf(field: string, { renamed, hasArguments }: { renamed: boolean; hasArguments: boolean }) {
    const taken = hasArguments && this.#plainKeys.has(field);
    if (renamed || taken) return `${this.#name("a")}: ${field}`;
    this.#plainKeys.add(field);
    return field;
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }
}
