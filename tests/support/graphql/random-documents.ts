import {
  getNamedType,
  isCompositeType,
  isObjectType,
  isUnionType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLUnionType,
} from "graphql";

/** Numbers from 0 to `below`, the same for the same seed (mulberry32). */
export type RandomNumbers = (below: number) => number;

export function randomFrom(seed: number): RandomNumbers {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface RandomDocument {
  source: string;
  operationName: string | undefined;
  variables: Record<string, unknown>;
}

type Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType;

const variableTypes: [name: string, type: string][] = [
  ["x", "Boolean!"],
  ["y", "Boolean!"],
  ["z", "Boolean = true"],
  ["n", "Int"],
  ["i", 'ID = "a"'],
  ["constructor", "Boolean!"],
  ["__proto__", "Int"],
];
/** Response keys that JavaScript's objects have themselves. */
const oddAliases = ["__proto__", "constructor", "toString", "then", "hasOwnProperty", "length"];

/**
 * Writes documents in which the same fields and fragments stand in several places, under
 * conditions: with literals, with variables, with defaults. Some of them are not valid.
 */
export class RandomDocuments {
  readonly #schema: GraphQLSchema;
  readonly #random: RandomNumbers;
  readonly #without: readonly string[];
  readonly #fragments: { name: string; type: Composite }[] = [];

  /** @param without names of fields that are left out */
  constructor(schema: GraphQLSchema, random: RandomNumbers, without: readonly string[]) {
    this.#schema = schema;
    this.#random = random;
    this.#without = without;
  }

  next(): RandomDocument {
    const types = Object.values(this.#schema.getTypeMap()).filter(
      (type): type is Composite => isCompositeType(type) && !type.name.startsWith("__"),
    );
    this.#fragments.length = 0;
    for (let n = 0; n < 1 + this.#random(5); n += 1) {
      const type = types[this.#random(types.length)];
      if (type !== undefined) this.#fragments.push({ name: `F${n}`, type });
    }
    const kind = this.#random(4) === 0 ? "mutation" : "query";
    const root = kind === "query" ? this.#schema.getQueryType() : this.#schema.getMutationType();
    const selections = this.#set(root as Composite, 3, 0);
    const definitions = this.#fragments.map(
      ({ name, type }, index) =>
        `fragment ${name} on ${type.name} ${this.#set(type, 1, index + 1)}`,
    );
    // Each fragment spreads later ones only: what is not spread before it is not used.
    let used = selections;
    for (const [index, definition] of definitions.entries()) {
      if (used.includes(`...F${index}`)) used += `\n${definition}`;
    }
    const variables = variableTypes.filter(([name]) => new RegExp(`\\$${name}\\b`).test(used));
    const declared = variables.map(([name, type]) => `$${name}: ${type}`).join(", ");
    const operation = `${kind} One${declared && `(${declared})`} ${used}`;
    const second = this.#random(5) === 0 ? ["query Two { __typename }"] : [];
    return {
      source: [operation, ...second].join("\n"),
      operationName: second.length > 0 ? "One" : undefined,
      variables: this.variables(),
    };
  }

  /** Other values for the variables of any of these documents. */
  variables(): Record<string, unknown> {
    const flag = () => this.#random(2) === 0;
    const maybe = (values: Record<string, unknown>) => (flag() ? values : {});
    const given = {
      x: flag(),
      y: flag(),
      constructor: flag(),
      ...maybe({ z: this.#random(8) === 0 ? null : flag() }),
      ...maybe({ n: this.#random(4) === 0 ? null : this.#random(4) }),
      ...maybe({ i: this.#random(4) === 0 ? null : "b" }),
    };
    // An own property, as JSON.parse makes it.
    if (flag()) Object.defineProperty(given, "__proto__", { value: 2, enumerable: true });
    return given;
  }

  /** @param from fragments before this one are not spread, so that there are no circles */
  #set(type: Composite, depth: number, from: number): string {
    const count = 1 + this.#random(4);
    const parts = Array.from({ length: count }, () => this.#selection(type, depth, from));
    return `{ ${parts.join(" ")} }`;
  }

  #selection(type: Composite, depth: number, from: number): string {
    const kind = this.#random(10);
    const usable = this.#fragments.slice(from);
    if (kind < 3 && usable.length > 0) {
      const fragment = usable[this.#random(usable.length)];
      return `...${fragment?.name ?? ""}${this.#conditions()}`;
    }
    if (kind === 3 && depth > 0) {
      const others = this.#overlapping(type);
      const narrowed = others[this.#random(others.length * 2)] ?? type;
      const on = narrowed !== type || this.#random(2) === 0 ? ` on ${narrowed.name}` : "";
      return `...${on}${this.#conditions()} ${this.#set(narrowed, depth - 1, from)}`;
    }
    return this.#field(type, depth, from);
  }

  #field(type: Composite, depth: number, from: number): string {
    const fields = Object.values(isUnionType(type) ? {} : type.getFields()).filter(
      (field) =>
        !this.#without.includes(field.name) &&
        (depth > 0 || !isCompositeType(getNamedType(field.type))),
    );
    const field = fields[this.#random(fields.length + 1)];
    if (field === undefined) return `__typename${this.#conditions()}`;
    const named = getNamedType(field.type);
    const below = isCompositeType(named)
      ? ` ${this.#set(named as Composite, depth - 1, from)}`
      : "";
    // Arguments belong to the key, so that equal keys have equal arguments.
    const variants = field.args.map(({ name }) => argumentVariants[name] ?? []);
    const variant = this.#random(3);
    const args = field.args
      .map(({ name }, index) => {
        const value = variants[index]?.[variant];
        return value === undefined ? "" : `${name}: ${value}`;
      })
      .filter((text) => text !== "");
    const odd = oddAliases[(field.name.length + variant) % oddAliases.length] ?? "odd";
    const alias = args.length > 0 ? `${field.name}${variant}: ` : "";
    const key = alias === "" && this.#random(8) === 0 ? `${odd}: ` : alias;
    return `${key}${field.name}${args.length > 0 ? `(${args.join(", ")})` : ""}${this.#conditions()}${below}`;
  }

  /** Returns the types that a value of a type can also have: interfaces, unions and their members. */
  #overlapping(type: Composite): Composite[] {
    const possible = (one: Composite) =>
      isObjectType(one) ? [one] : this.#schema.getPossibleTypes(one);
    const own = possible(type);
    return Object.values(this.#schema.getTypeMap())
      .filter((other): other is Composite => isCompositeType(other))
      .filter((other) => possible(other).some((member) => own.includes(member)));
  }

  #conditions(): string {
    if (this.#random(3) > 0) return "";
    const value = ["true", "false", "$x", "$y", "$z", "$constructor"][this.#random(6)] ?? "true";
    const first = ` @${this.#random(2) === 0 ? "skip" : "include"}(if: ${value})`;
    return this.#random(6) === 0
      ? `${first} @include(if: $y)`.replace(/@include.*@include/, "@skip(if: $x) @include")
      : first;
  }
}

/** What arguments of a name are, by variant. */
const argumentVariants: Record<string, (string | undefined)[]> = {
  id: ['"a"', "$i", '"b"'],
  n: [undefined, "$n", "$__proto__"],
  by: ["1", "2", "3"],
  filter: ["{ n: $n, ids: [$i] }", '{ ids: ["a" "b"] }', undefined],
};
