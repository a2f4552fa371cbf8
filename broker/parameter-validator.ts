import { Validators } from "moleculer";

type Check = ReturnType<InstanceType<typeof Validators.Fastest>["compile"]>;

/** A broken rule, as the validator reports it. */
interface Finding {
  type: string;
  message?: string;
  /** The path of the value; empty for the parameters as a whole. */
  field?: string;
  expected?: unknown;
  actual?: unknown;
}

/** The validator's messages, in the wording of the rules of `core/validation.ts`. */
const messages = {
  required: "'{field}' is required.",
  string: "'{field}' must be a text.",
  stringEmpty: "'{field}' must not be empty.",
  stringMin: "'{field}' must have at least {expected} characters.",
  stringMax: "'{field}' must have at most {expected} characters.",
  number: "'{field}' must be a number.",
  numberMin: "'{field}' must be at least {expected}.",
  numberMax: "'{field}' must be at most {expected}.",
  numberInteger: "'{field}' must be a whole number.",
  boolean: "'{field}' must be true or false.",
  enumValue: "'{field}' must be one of {expected}.",
  array: "'{field}' must be a list.",
  arrayMin: "'{field}' must have at least {expected} items.",
  arrayMax: "'{field}' must have at most {expected} items.",
  object: "'{field}' must be an object.",
};

/** Names of unknown parameters in the findings of one object. A caller may send thousands. */
const maxUnknownNames = 20;

/**
 * Moleculer's validator, whose findings do not contain the rejected values. Moleculer logs and
 * traces the findings, and a value may be a password.
 */
export class ParameterValidator extends Validators.Fastest {
  readonly #checks = new WeakMap<object, Check>();
  readonly #validator: FastestValidator;

  constructor() {
    super({ messages });
    // Moleculer's types omit the property.
    const { validator } = this as unknown as { validator: FastestValidator };
    const { array } = validator.rules;
    validator.add("array", function (rule, path, context) {
      const { sanitized, source } = array.call(this, rule, path, context);
      return { sanitized, source: `${lengthCheck(this, rule)}${source}` };
    });
    shareMessages(validator);
    this.#validator = validator;
  }

  /**
   * Compiles rules at the first check: to compile those of all actions would take a tenth of the start
   * of a node. Only unknown types are found before. Moleculer asks twice for the check of an action.
   */
  override compile(rules: Record<string, unknown>): Check {
    const known = this.#checks.get(rules);
    if (known !== undefined) return known;
    for (const [name, rule] of Object.entries(rules)) {
      if (!name.startsWith("$$")) assertKnownTypes(this.#validator, rule);
    }
    let compiled: Check | undefined;
    const check = (...args: Parameters<Check>) =>
      plainFindings((compiled ??= super.compile(rules))(...args));
    const quiet = Object.assign(check, { async: rules.$$async === true });
    this.#checks.set(rules, quiet);
    return quiet;
  }
}

/** The part of fastest-validator that compiles its rules. A rule writes the code of its check. */
interface FastestValidator {
  rules: { array: CompileRule };
  messages: object;
  add(type: string, compile: CompileRule): void;
  /** Throws for an unknown type. */
  getRuleFromSchema(schema: unknown): { schema: RuleSchema; messages: object };
  makeError(error: { type: string; expected: unknown; actual: string; messages: object }): string;
}

interface RuleSchema {
  messages?: object;
  items?: unknown;
  props?: object;
  properties?: object;
}

interface CompiledRule {
  schema: { max?: number };
  messages: object;
}

type CompileRule = (
  this: FastestValidator,
  rule: CompiledRule,
  path: string,
  context: unknown,
) => { sanitized: boolean; source: string };

/** The validator keeps a copy of all its messages for each of a thousand rules: 3 kB each. */
function shareMessages(validator: FastestValidator): void {
  const ruleOf = validator.getRuleFromSchema.bind(validator);
  validator.getRuleFromSchema = (schema) => {
    const rule = ruleOf(schema);
    const { messages } = rule.schema;
    rule.messages = messages
      ? Object.assign(Object.create(validator.messages) as object, messages)
      : validator.messages;
    return rule;
  };
}

/** Throws if a rule, or one within it, has an unknown type. */
function assertKnownTypes(validator: FastestValidator, rule: unknown): void {
  const { items, props, properties } = validator.getRuleFromSchema(rule).schema;
  if (items !== undefined) assertKnownTypes(validator, items);
  const fields = props ?? properties ?? {};
  for (const field of Object.values(fields)) assertKnownTypes(validator, field);
}

/** Returns before a list is checked that is too long: its items would take the most time. */
function lengthCheck(
  compiler: FastestValidator,
  { schema: { max }, messages }: CompiledRule,
): string {
  if (max === undefined) return "";
  const error = { type: "arrayMax", expected: max, actual: "value.length", messages };
  return `
    if (Array.isArray(value) && value.length > ${max}) {
      ${compiler.makeError(error)}
      return value;
    }`;
}

/** Completes the messages and removes the values. The validator returns `true` for no finding. */
function plainFindings<Findings>(findings: Findings): Findings {
  if (!Array.isArray(findings)) return findings;
  const plain = (findings as Finding[]).flatMap(unknownNames).map(inPlainWords);
  for (const finding of plain) delete finding.actual;
  return plain as Findings;
}

/** Splits the finding about an object with undeclared properties into one for each property. */
function unknownNames(finding: Finding): Finding[] {
  const { type, field = "", expected, actual } = finding;
  if (type !== "objectStrict") return [finding];
  const names = String(actual).split(", ").slice(0, maxUnknownNames);
  const declared = String(expected);
  const kind = field === "" ? "parameter" : "field";
  const known = declared === "" ? `There are no ${kind}s.` : `The ${kind}s are ${declared}.`;
  return names.map((name) => {
    const path = field === "" ? name : `${field}.${name}`;
    return { type, field: path, message: `There is no ${kind} '${path}'. ${known}` };
  });
}

function inPlainWords(finding: Finding): Finding {
  const { type, field = "", expected } = finding;
  if (type === "object" && field === "") {
    return { ...finding, message: "The parameters must be an object." };
  }
  const mustNotBeEmpty = (type === "stringMin" || type === "arrayMin") && expected === 1;
  return mustNotBeEmpty ? { ...finding, message: `'${field}' must not be empty.` } : finding;
}
