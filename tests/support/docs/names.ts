import { prometheusName, type Inventory } from "./inventory.ts";
import { faultLines, type Page, type Text } from "./pages.ts";
import { placeholders } from "./placeholders.ts";

/** Returns the names on a page that the project does not have. */
export function unknownNames(page: Page, inventory: Inventory): string[] {
  const code = [...page.codeSpans, ...page.blocks.flatMap(linesOf)];
  // `$NAME` is a variable that a script of the page sets.
  const scripts = page.blocks.map(({ code }) => code).join("\n");
  const shellVariables = new Set(
    [...scripts.matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name),
  );
  const faults = code.flatMap(({ line, text }) =>
    [
      ...unknownScripts(text, inventory),
      ...unknownVariables(text, inventory, shellVariables),
      ...unknownCalls(text, inventory),
    ].map((reason) => ({ line, reason })),
  );
  for (const { line, text } of page.codeSpans) {
    const reasons = [
      ...unknownCapitals(text, inventory),
      ...unknownActions(text, inventory),
      ...unknownEvents(text, inventory),
      ...unknownMetrics(text, inventory),
    ];
    faults.push(...reasons.map((reason) => ({ line, reason })));
  }
  return faultLines(page, faults);
}

/** Returns the names of the project that no page has. */
export function undocumentedNames(texts: readonly string[], inventory: Inventory): string[] {
  const text = texts.join("\n");
  const words = new Set(text.match(/[\w$]+(?:[.:-][\w$]+)*/g));
  const anyService = new Set([...words].map((word) => word.replace(/^\w+\./, "")));
  const missing = (kind: string, names: Iterable<string>, isThere: (name: string) => boolean) =>
    [...names].filter((name) => !isThere(name)).map((name) => `The ${kind} ${name} is on no page.`);
  const otherActions = new Set(
    [...inventory.actions.keys()].filter(
      (name) => !inventory.contractActions.includes(name) && !name.startsWith("$"),
    ),
  );
  return [
    ...missing("setting", inventory.settings, (name) => words.has(name)),
    ...missing("error code", inventory.errorCodes, (name) => words.has(name)),
    ...missing(
      "script",
      inventory.scripts,
      (name) =>
        new RegExp(`npm (run )?${name}(?![\\w:-])`).test(text) || text.includes(`\`${name}\``),
    ),
    ...missing("action", inventory.contractActions, (name) => words.has(name)),
    // Several services have these, and a page may name one of them.
    ...missing("action", otherActions, (name) => anyService.has(name.replace(/^\w+\./, ""))),
    ...missing("event", inventory.events, (name) => words.has(name)),
    ...missing("metric", inventory.ownMetrics, (name) =>
      [...words].some((word) => prometheusName(word) === name),
    ),
  ];
}

function linesOf({ line, code }: { line: number; code: string }): Text[] {
  return code.split("\n").map((text, index) => ({ line: line + 1 + index, text }));
}

function unknownScripts(text: string, { scripts }: Inventory): string[] {
  const names = [...text.matchAll(/\bnpm (?:run (?:-s )?([\w:-]+)|(start|test)\b)/g)];
  return names
    .map(([, script, short]) => script ?? short ?? "")
    .filter((name) => !scripts.has(name))
    .map((name) => `package.json has no script "${name}".`);
}

/** Variables that a command line sets: `NAME=value command`. */
function unknownVariables(
  text: string,
  inventory: Inventory,
  shellVariables: ReadonlySet<string | undefined>,
): string[] {
  const names = [...text.matchAll(/(?:^|\s|^export )([A-Z][A-Z0-9_]+)=(?!=)/g)];
  return names
    .map(([, name = ""]) => name)
    .filter((name) => !shellVariables.has(name) && !isKnown(name, inventory))
    .map((name) => `There is no setting ${name}.`);
}

function unknownCapitals(text: string, inventory: Inventory): string[] {
  const names = text.match(/(?<![\w.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w=-])/g) ?? [];
  return names
    .filter((name) => !isKnown(name, inventory))
    .map((name) => `There is no setting, error code or value ${name}.`);
}

function isKnown(name: string, { settings, errorCodes, capitals }: Inventory): boolean {
  return (
    settings.has(name.replace(/_FILE$/, "")) ||
    errorCodes.has(name) ||
    capitals.has(name) ||
    name in placeholders
  );
}

/** A line of the REPL that calls an action. */
const callLine = /\bmol \$ d?call (\S+)(.*)$/;

function unknownCalls(text: string, { actions }: Inventory): string[] {
  const [, action, rest = ""] = callLine.exec(text) ?? [];
  if (action === undefined) return [];
  const params = actions.get(action);
  if (params === undefined) return [`There is no action ${action}.`];
  const flags = [...rest.matchAll(/ --([\w-]+)/g)].map(([, flag = ""]) => flag);
  return flags
    .filter((flag) => !params.includes(flag))
    .map((flag) => `The action ${action} has no parameter ${flag}.`);
}

function unknownActions(text: string, { actions, services, fileNames }: Inventory): string[] {
  const [name, service, action = ""] = /^(\w+|<\w+>)\.((?:db\.)?\w+)(?= |$)/.exec(text) ?? [];
  if (name === undefined || service === undefined || fileNames.has(name)) return [];
  if (service.startsWith("<")) {
    const isThere = services.some((each) => actions.has(`${each}.${action}`));
    return isThere ? [] : [`No service has an action ${action}.`];
  }
  if (!services.includes(service) || actions.has(name)) return [];
  return [`There is no action ${name}.`];
}

function unknownEvents(text: string, { events, fileNames }: Inventory): string[] {
  const subjects = new Set([...events].map((name) => name.split(".")[0]));
  const [, subject] = /^([a-z]+)\.[a-z_]+$/.exec(text) ?? [];
  if (!subjects.has(subject) || events.has(text) || fileNames.has(text)) return [];
  return [`There is no event ${text}.`];
}

function unknownMetrics(text: string, { metrics, fileNames }: Inventory): string[] {
  const [name] = /^(moleculer[._]|process_|nodejs_|os_|shop_)[a-z0-9._-]+$/.exec(text) ?? [];
  if (name === undefined || fileNames.has(name)) return [];
  const metric = prometheusName(name).replace(/_(bucket|sum|count)$/, "");
  return metrics.has(metric) ? [] : [`There is no metric ${name}.`];
}
