import { isEnumType, type GraphQLSchema } from "graphql";
import { auditActorKinds, commonAuditActions } from "../../../../core/audit.ts";
import type { Contract } from "../../../../core/contract.ts";
import type { OpenEnum } from "../../../../core/graphql/graphql-options.ts";
import { errorCatalogue } from "../../../../core/errors.ts";

/** Clients get this value of an enum for a value that the gateway's schema does not have. */
const unknownValue = "UNKNOWN";
const unknownMeaning = "A value that this version of the gateway does not know";

/** Returns the enum types whose values grow with the versions of the services, as SDL. */
export function openEnumTypes(contracts: readonly Contract[]): string {
  const declared = contracts.flatMap(({ graphql }) => Object.entries(graphql?.openEnums ?? {}));
  return [...declared, ...auditEnums(contracts)].map(openEnumType).join("\n");
}

function openEnumType([name, { description, values }]: [string, OpenEnum]): string {
  return enumType(name, description, { ...values, [unknownValue]: unknownMeaning });
}

/** Returns the error catalogue as an enum type, for clients that generate code from the schema. */
export function errorCodeType(): string {
  return enumType("ErrorCode", 'What "extensions.code" of an error can be', errorMeanings());
}

function auditEnums(contracts: readonly Contract[]): [string, OpenEnum][] {
  const outcomes = { OK: "The action had its effect.", ...errorMeanings() };
  return [
    [
      "AuditAction",
      { description: "An action or an attempt in an audit trail", values: auditActions(contracts) },
    ],
    [
      "AuditOutcome",
      { description: "The outcome of an attempt: OK, or the code of the error", values: outcomes },
    ],
    [
      "AuditActorKind",
      { description: "The kind of the actor of an audit entry", values: auditActorKinds },
    ],
  ];
}

/** Returns the audit actions of all services. Throws an Error if two services declare the same one. */
function auditActions(contracts: readonly Contract[]): Record<string, string> {
  const declared = [
    ...Object.entries(commonAuditActions),
    ...contracts.flatMap(({ auditActions = {} }) => Object.entries(auditActions)),
  ];
  const names = new Set<string>();
  for (const [name] of declared) {
    if (names.has(name)) throw new Error(`the audit action ${name} is declared twice`);
    names.add(name);
  }
  return Object.fromEntries(declared);
}

function errorMeanings(): Record<string, string> {
  // The catalogue is in the order in which modules were loaded.
  const errors = errorCatalogue().sort((a, b) => (a.code < b.code ? -1 : 1));
  return Object.fromEntries(errors.map(({ code, meaning }) => [code, meaning]));
}

function enumType(name: string, description: string, values: Record<string, string>): string {
  const lines = Object.entries(values).map(
    ([value, meaning]) => `${JSON.stringify(meaning)}\n${value}`,
  );
  return `${JSON.stringify(description)}\nenum ${name} {\n${lines.join("\n")}\n}`;
}

/**
 * Makes the enums of a schema that have the value UNKNOWN return it for a text that they do not
 * have. During a rolling upgrade, services send values that an older gateway does not know; an
 * error would make the whole list null.
 */
export function admitUnknownValues(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isEnumType(type)) continue;
    const known = new Set<unknown>(type.getValues().map(({ value }): unknown => value));
    if (!known.has(unknownValue)) continue;
    const serialize = type.serialize.bind(type);
    type.serialize = (value) =>
      typeof value === "string" && !known.has(value) ? unknownValue : serialize(value);
  }
}
