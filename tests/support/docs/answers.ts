/**
 * Compares the answer of an example with the answer of a shop: fields, types, error codes and error
 * messages. Values such as ids, times and amounts may differ. Returns the differences.
 */
export function differences(example: unknown, actual: unknown, path = "answer"): string[] {
  const [expectedKind, actualKind] = [kindOf(example), kindOf(actual)];
  if (expectedKind !== actualKind) {
    return [`${path} is ${expectedKind} in the example and ${actualKind} in the shop's answer.`];
  }
  if (Array.isArray(example) && Array.isArray(actual)) {
    if (example.length > 0 && actual.length === 0) {
      return [`${path} has items in the example and none in the shop's answer.`];
    }
    return example.flatMap((item: unknown, index) =>
      differences(item, actual[Math.min(index, actual.length - 1)], `${path}[${index}]`),
    );
  }
  if (isObject(example) && isObject(actual)) {
    const missing = Object.keys(example).filter((key) => !(key in actual));
    const added = Object.keys(actual).filter((key) => !(key in example));
    return [
      ...missing.map((key) => `The shop's answer has no ${path}.${key}.`),
      ...added.map((key) => `The example has no ${path}.${key}, and the shop's answer has it.`),
      ...Object.keys(example)
        .filter((key) => key in actual)
        .flatMap((key) => differences(example[key], actual[key], `${path}.${key}`)),
    ];
  }
  const isFixed = path.endsWith(".extensions.code") || /errors\[\d+\]\.message$/.test(path);
  if (isFixed && withoutValues(String(example)) !== withoutValues(String(actual))) {
    return [
      `${path} is "${String(example)}" in the example and "${String(actual)}" in the shop's answer.`,
    ];
  }
  return [];
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** Removes from a message what differs between shops. */
function withoutValues(message: string): string {
  return message.replaceAll(uuid, "ID").replaceAll(time, "TIME").replaceAll(/\d+/g, "0");
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value !== "string")
    return typeof value === "object" ? "an object" : `a ${typeof value}`;
  if (value.replace(uuid, "") === "" && value !== "") return "an id";
  return value.replace(time, "") === "" && value !== "" ? "a time" : "a text";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
