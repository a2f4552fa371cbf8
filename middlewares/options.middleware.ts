import { Errors, type Middleware, type Service, type ServiceBroker } from "moleculer";
import { isExposed } from "../core/contract.ts";
import type { GraphqlField } from "../core/graphql/graphql-options.ts";

type Place = "service" | "action" | "event";

/** Moleculer's options and where they have an effect. Other options belong to mixins. */
const placesOf: Record<string, readonly Place[]> = {
  bulkhead: ["action", "event"],
  cache: ["action"],
  circuitBreaker: ["action"],
  debounce: ["event"],
  fallback: ["action"],
  hooks: ["service", "action"],
  retryPolicy: ["action"],
  throttle: ["event"],
  timeout: ["action"],
  visibility: ["action"],
};
const visibilities: unknown[] = ["published", "public", "protected", "private"];
const hookKinds = ["before", "after", "error"];

interface Options {
  cache?: boolean | { enabled?: unknown; lock?: boolean | { staleTime?: number } } | null;
  circuitBreaker?: { enabled?: boolean } | null;
  fallback?: unknown;
  gateway?: true;
  graphql?: GraphqlField;
  hooks?: Record<string, unknown> | null;
  timeout?: unknown;
  visibility?: unknown;
}

/** The checked part of a service's schema, with its mixins merged. */
interface Schema extends Options {
  name?: string;
  settings?: { $cache?: Options["cache"] };
  methods?: Record<string, unknown>;
  actions?: Record<string, unknown>;
  events?: Record<string, unknown>;
}

/**
 * Rejects a service with a Moleculer option that has no effect in this broker. Moleculer ignores
 * such options.
 */
export function optionsMiddleware(): Middleware {
  return {
    name: "Options",
    serviceCreating({ broker }: Service, schema: Schema) {
      const problems = problemsOf(broker, schema);
      if (problems.length > 0) throw new Errors.ServiceSchemaError(problems.join("\n"), {});
    },
  } as unknown as Middleware;
}

function problemsOf(broker: ServiceBroker, schema: Schema): string[] {
  const { name = "", settings = {}, actions = {}, events = {} } = schema;
  const problems = [
    ...misplaced("service", `service ${name}`, schema),
    ...hookProblems(`service ${name}`, schema, serviceHooks(schema)),
  ];
  for (const [key, action] of Object.entries(actions)) {
    if (!isObject(action)) continue;
    const options: Options = { ...action };
    if (options.cache === undefined) options.cache = settings.$cache ?? null;
    const label = `action ${name}.${key}`;
    problems.push(
      ...misplaced("action", label, action),
      ...hookProblems(label, schema, Object.entries(options.hooks ?? {})),
      ...actionProblems(broker, label, schema, options),
    );
  }
  for (const [key, event] of Object.entries(events)) {
    if (isObject(event)) problems.push(...misplaced("event", `event ${key} of ${name}`, event));
  }
  return problems;
}

function misplaced(place: Place, label: string, options: object): string[] {
  return Object.entries(placesOf)
    .filter(([option, places]) => isGiven(options, option) && !places.includes(place))
    .map(([option, places]) => {
      const hint = place === "service" && option === "cache" ? " or settings.$cache" : "";
      const validPlaces = places.map((name) => `${name}s`).join(" and ");
      return `The ${label} has the option "${option}", which has no effect there: it is an option of ${validPlaces}${hint}.`;
    });
}

function actionProblems(
  broker: ServiceBroker,
  label: string,
  schema: Schema,
  options: Options,
): string[] {
  const { cache, circuitBreaker, fallback, timeout, visibility } = options;
  const problems: string[] = [];
  const fault = (text: string) => problems.push(`The ${label} ${text}`);
  if (isGiven(options, "circuitBreaker") && circuitBreaker?.enabled !== false) {
    fault(
      'has the option "circuitBreaker", which has no effect: the failure detector decides which nodes are called.',
    );
  }
  if (isCached(cache) && !broker.cacher) {
    fault('has the option "cache", which has no effect: the broker has no cacher.');
  }
  if (isObject(cache) && isObject(cache.lock) && cache.lock.staleTime !== undefined) {
    fault(
      'has the option "cache.lock.staleTime", which has no effect: the MemoryLRU cacher does not know the age of an entry.',
    );
  }
  if (isGiven(options, "fallback") && !isCallable(schema, fallback)) {
    fault(`has a "fallback" that is neither a function nor a method: ${String(fallback)}.`);
  }
  if (isGiven(options, "timeout") && !(typeof timeout === "number" && timeout >= 0)) {
    fault(`has a "timeout" that is no number of milliseconds: ${String(timeout)}.`);
  }
  if (isGiven(options, "visibility") && !visibilities.includes(visibility)) {
    fault(`has an unknown "visibility": ${String(visibility)}; use ${visibilities.join(", ")}.`);
  } else if (isGiven(options, "visibility") && visibility !== "published" && isExposed(options)) {
    fault(`has visibility "${String(visibility)}", so that the gateway may not call it.`);
  }
  return problems;
}

function hookProblems(label: string, schema: Schema, hooks: [string, unknown][]): string[] {
  return hooks.flatMap(([kind, hook]) => {
    if (!hookKinds.includes(kind.split(".", 1)[0] ?? "")) {
      return [`The ${label} has unknown hooks: ${kind}; use ${hookKinds.join(", ")}.`];
    }
    const all: unknown[] = Array.isArray(hook) ? hook : [hook];
    return all
      .filter((one) => !isCallable(schema, one))
      .map(
        (one) => `The ${label} has a hook that is neither a function nor a method: ${String(one)}.`,
      );
  });
}

/** Returns the hooks of a service with the names of their actions: `["before.get", hook]`. */
function serviceHooks({ hooks }: Schema): [string, unknown][] {
  return Object.entries(hooks ?? {}).flatMap(([kind, byAction]) =>
    isObject(byAction)
      ? Object.entries(byAction).map(([name, hook]): [string, unknown] => [`${kind}.${name}`, hook])
      : [[kind, byAction] as [string, unknown]],
  );
}

/** Returns true for a function and for the name of a method of the service. */
function isCallable({ methods = {} }: Schema, value: unknown): boolean {
  return (
    typeof value === "function" || (typeof value === "string" && Object.hasOwn(methods, value))
  );
}

function isCached(cache: Options["cache"]): boolean {
  return isObject(cache) ? cache.enabled !== false : cache === true;
}

/** Returns true unless the option is missing, or turned off by false or null. */
function isGiven(options: object, name: string): boolean {
  const value: unknown = (options as Record<string, unknown>)[name];
  return value !== undefined && value !== null && value !== false;
}

function isObject<Value>(value: Value): value is Value & object {
  return typeof value === "object" && value !== null;
}
