type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns a sentence without a full stop for each variable `OTEL_*` that the SDK of OpenTelemetry
 * ignores without a message. It reports all other invalid ones itself.
 */
export function ignoredTracingVariables(env: Environment): string[] {
  return [
    ...faultsOfAttributes(env),
    ...faultsOfHeaders(env),
    ...faultsOfSampler(env),
    ...faultsOfFlags(env),
  ];
}

/** By the specification, one malformed entry discards the whole variable. */
function faultsOfAttributes(env: Environment): string[] {
  const name = "OTEL_RESOURCE_ATTRIBUTES";
  const malformed = entriesOf(env[name]).find((entry) => !isAttribute(entry));
  return malformed === undefined
    ? []
    : [
        `${name} has the entry "${malformed.trim()}", so none of its attributes are used; an entry is NAME=VALUE with at most 255 characters each, and with "," and "=" in them as %2C and %3D`,
      ];
}

function isAttribute(entry: string): boolean {
  const parts = entry.split("=").map((part) => decoded(part.trim()));
  const [name = "", value] = parts;
  return parts.length === 2 && name !== "" && name.length <= 255 && (value?.length ?? 256) <= 255;
}

/** A header often is a secret: its place names it. */
function faultsOfHeaders(env: Environment): string[] {
  return ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"].flatMap((name) =>
    entriesOf(env[name]).flatMap((entry, index) =>
      isHeader(entry)
        ? []
        : [`${name} is not NAME=VALUE in its entry ${index + 1}, so this header is not sent`],
    ),
  );
}

function isHeader(entry: string): boolean {
  const [pair = ""] = entry.split(";", 1);
  const end = pair.indexOf("=");
  const parts = end < 0 ? [] : [pair.slice(0, end), pair.slice(end + 1)];
  return parts.length === 2 && parts.every((part) => (decoded(part.trim()) ?? "") !== "");
}

function faultsOfSampler(env: Environment): string[] {
  const sampler = env.OTEL_TRACES_SAMPLER?.trim() ?? "";
  const hasRatio = sampler === "traceidratio" || sampler === "parentbased_traceidratio";
  return hasRatio || isBlank(env.OTEL_TRACES_SAMPLER_ARG)
    ? []
    : [
        "OTEL_TRACES_SAMPLER_ARG has no effect unless OTEL_TRACES_SAMPLER is parentbased_traceidratio or traceidratio",
      ];
}

function faultsOfFlags(env: Environment): string[] {
  return ["OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"]
    .filter((name) => !isBlank(env[name]) && !/^\s*(true|false)\s*$/i.test(env[name] ?? ""))
    .map((name) => `${name} is neither true nor false, so it counts as false`);
}

const isBlank = (value: string | undefined) => (value?.trim() ?? "") === "";

function entriesOf(list = ""): string[] {
  return list.split(",").filter((entry) => !isBlank(entry));
}

/** Undefined: the text is not percent-encoded. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
