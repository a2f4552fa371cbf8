import { Utils, type ServiceBroker } from "moleculer";

/** The part of a parameter's rule that the REPL uses. */
export interface Rule {
  type?: string;
  optional?: boolean;
  items?: Rule;
  /** Of an enumeration. */
  values?: readonly string[];
}

/** The rules of an action's parameters, by their names. */
export type Rules = Record<string, Rule>;

/** An action that a node of the shop has. */
export interface ListedAction {
  name: string;
  rules: Rules;
}

/** Returns the rules of an action's parameters, or none if no node has the action. */
export function rulesOf(broker: ServiceBroker, action: string): Rules {
  return actionsOf(broker).find(({ name }) => name === action)?.rules ?? {};
}

/** Returns the actions of all reachable nodes, by their names. Moleculer's own `$node.*` come last. */
export function actionsOf(broker: ServiceBroker): ListedAction[] {
  const listed = broker.registry.getActionList({ onlyAvailable: true });
  return listed
    .map(({ name, action }) => ({ name, rules: rulesIn(action?.params) }))
    .sort((one, other) => {
      const isOwn = Number(one.name.startsWith("$")) - Number(other.name.startsWith("$"));
      return isOwn || one.name.localeCompare(other.name);
    });
}

/** Omits the validator's own options (`$$strict`), and reads its short forms ("string|optional"). */
function rulesIn(params: unknown): Rules {
  const rules = Object.entries((params ?? {}) as Record<string, Rule | string | boolean>);
  return Object.fromEntries(
    rules.filter(([name]) => !name.startsWith("$$")).map(([name, rule]) => [name, longForm(rule)]),
  );
}

function longForm(rule: Rule | string | boolean): Rule {
  if (typeof rule === "object") return rule;
  const [type = "any", ...options] = String(rule).split("|");
  return { type, optional: options.includes("optional") };
}

/** The output's width if it is no terminal. */
const defaultColumns = 100;

/**
 * Returns the text of the command `actions`: for each action the flags of its parameters, optional
 * ones in brackets.
 *
 * @param pattern selects names, e.g. `orders.*`
 */
export function actionTable(actions: readonly ListedAction[], pattern = "**"): string {
  const shown = actions.filter(({ name }) => Utils.match(name, pattern));
  if (shown.length === 0) return `No action matches ${pattern}.`;
  const width = Math.max(...shown.map(({ name }) => name.length)) + 2;
  const columns = process.stdout.columns || defaultColumns;
  const lines = shown.map(({ name, rules }) => {
    const flags = Object.entries(rules).map(([flag, rule]) => flagText(flag, rule));
    return name.padEnd(width) + wrapped(flags, columns - width).join(`\n${" ".repeat(width)}`);
  });
  return [...lines, "", "Parameters in brackets are optional; … marks a list."].join("\n");
}

function flagText(name: string, { type, optional }: Rule): string {
  const flag = `--${name}${type === "array" ? "…" : ""}`;
  return optional === true ? `[${flag}]` : flag;
}

function wrapped(words: readonly string[], columns: number): string[] {
  const lines = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    const isFull = line !== "" && line.length + word.length + 1 > columns;
    if (isFull) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

/** Returns the name that is most like a mistyped one; undefined if none is like it. */
export function nearestName(mistyped: string, names: readonly string[]): string | undefined {
  const maxDistance = Math.max(2, Math.floor(mistyped.length / 4));
  const distances = names.map((name) => {
    // A name without its service, e.g. `create`.
    const compared = mistyped.includes(".") ? name : (name.split(".").pop() ?? name);
    return [distance(mistyped.toLowerCase(), compared.toLowerCase()), name] as const;
  });
  const [nearest] = distances.sort(([one], [other]) => one - other);
  return nearest !== undefined && nearest[0] <= maxDistance ? nearest[1] : undefined;
}

/** Returns the Levenshtein distance of two texts. */
function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 0; row < one.length; row += 1) {
    const current = [row + 1];
    for (let column = 0; column < other.length; column += 1) {
      const replaced = (previous[column] ?? 0) + (one[row] === other[column] ? 0 : 1);
      const removed = (previous[column + 1] ?? 0) + 1;
      const added = (current[column] ?? 0) + 1;
      current.push(Math.min(replaced, removed, added));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
