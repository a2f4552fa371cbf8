import type { GraphQLField } from "graphql";

type Field = GraphQLField<unknown, unknown>;

const properties = new WeakMap<Field, string>();

/**
 * Declares that the resolver of a field returns a property of the parent object if the object has a
 * value for it. The engine then reads the property itself, without a promise, and calls the resolver
 * only for an object without a value.
 */
export function preferProperty(field: Field, property = field.name): void {
  properties.set(field, property);
}

/** Returns the property of the parent object that can have a field's value; undefined for none. */
export function propertyOf(field: Field): string | undefined {
  return field.resolve === undefined ? field.name : properties.get(field);
}
