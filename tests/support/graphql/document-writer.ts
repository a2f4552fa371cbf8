import { isNonNullType, type GraphQLInputType } from "graphql";
import { literal, type Value } from "./graphql-values.ts";

/** Writes a part of a document, and tells the writer what else the document then needs. */
export type Write = (writer: DocumentWriter) => string;

/** Gathers what one document needs besides its selections: variables, fragments, free names. */
export class DocumentWriter {
  readonly variables: Record<string, Value> = {};
  readonly #definitions: string[] = [];
  readonly #fragments: string[] = [];
  readonly #plainKeys = new Set<string>();
  #names = 0;

  /** `($v1: Int, …)`, or nothing. */
  get definitions(): string {
    return this.#definitions.length > 0 ? `(${this.#definitions.join(", ")})` : "";
  }

  /** All fragments' definitions. */
  get fragments(): string {
    return this.#fragments.map((fragment) => ` ${fragment}`).join("");
  }

  /** Defines a variable that has its value from the request, by default, or both. */
  variable(type: GraphQLInputType, value: Value, from: string): string {
    const name = this.#name("v");
    const hasDefault = from !== "given" && !(value === null && isNonNullType(type));
    const byDefault = hasDefault ? ` = ${literal(value, type)}` : "";
    this.#definitions.push(`$${name}: ${String(type)}${byDefault}`);
    if (from !== "default" || !hasDefault) this.variables[name] = value;
    return `$${name}`;
  }

  /** Defines a fragment, and gives its name. */
  fragment(typeName: string, selectionSet: string): string {
    const name = this.#name("F");
    this.#fragments.push(`fragment ${name} on ${typeName} ${selectionSet}`);
    return name;
  }

  /**
   * The field's name, after an alias where it asks for one or needs one: two fields with one key
   * must not differ in their arguments.
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
