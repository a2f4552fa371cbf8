/** Which file may import which. Imports go downwards only, from the commands to `core/`. */

/** The product's folders, each with the folders that its files may import. */
const layers = {
  core: [],
  config: ["core"],
  broker: ["core"],
  database: ["core"],
  "event-log": ["core", "database"],
  middlewares: ["core", "broker"],
  mixins: ["core", "config", "database", "event-log"],
  services: ["core", "config", "broker", "database", "event-log", "mixins"],
  embedded: ["core", "config"],
};
/** Every file of this project; packages are none. */
const own = `^(?:(?:${Object.keys(layers).join("|")}|clients|commands|deploy|tests|tools|web)/|moleculer[.]config[.]ts$)`;

/** A package without code. */
const typesOnly = "^@graphql-typed-document-node/core$";

/** The list of services, which names contracts only: who needs it may be anywhere above `core/`. */
const registry = "^services/registry[.]ts$";

const layerRules = Object.entries(layers).map(([folder, allowed]) => ({
  name: `layer-of-${folder}`,
  comment: `Files of ${folder}/ import from: ${[folder, ...allowed].join(", ")}.`,
  severity: "error",
  from: { path: `^${folder}/` },
  to: { path: own, pathNot: [`^(?:${[folder, ...allowed].join("|")})/`, registry] },
}));

/** The rules of each service: functions that compute and decide. */
const ruleFiles = "^services/(orders/order|orders/lifecycle/order-status|users/user)[.]ts$";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: "rules-are-pure",
      comment:
        "The rules of orders and users are tested without files, packages or a database: they import only limits, errors, ids and the types of contracts.",
      severity: "error",
      from: { path: ruleFiles },
      to: {
        pathNot: [
          "^core/(access|validation|errors|ids/ids)[.]ts$",
          "^services/[^/]+/[^/]+[.]contract[.]ts$",
        ],
      },
    },
    {
      name: "services-import-contracts-only",
      comment:
        "A service imports only the contract of another one: they run on different machines.",
      severity: "error",
      from: { path: "^services/([^/]+)/" },
      to: {
        path: "^services/",
        pathNot: ["^services/$1/", "^services/registry[.]ts$", "[.]contract[.]ts$"],
      },
    },
    {
      name: "contracts-are-light",
      comment: "Every service loads every contract, so a contract must not load its service.",
      severity: "error",
      from: { path: "[.]contract[.]ts$" },
      to: { pathNot: ["^core/", "[.]contract[.]ts$", "^(node:)?fs$", "^(node:)?crypto$"] },
    },
    {
      name: "gateway-has-no-database",
      comment: "The gateway calls actions and reads no tables.",
      severity: "error",
      from: { path: "^services/api/" },
      to: {
        path: [
          "[.](model|database)[.]ts$",
          "^(database|event-log|mixins)/",
          "node_modules/(pg|sequelize|moleculer-db[^/]*)/",
        ],
      },
    },
    {
      name: "only-the-gateway-speaks-graphql-and-http",
      comment: "GraphQL and HTTP are known to the gateway alone.",
      severity: "error",
      from: { path: `^(${Object.keys(layers).join("|")}|commands)/`, pathNot: "^services/api/" },
      to: {
        path: "node_modules/(graphql[^/]*|dataloader|moleculer-web|moleculer-apollo-server)/",
      },
    },
    {
      name: "clients-stand-alone",
      comment: "A client is a package of its own: it has only its own files and dependencies.",
      severity: "error",
      from: { path: "^clients/([^/]+)/" },
      to: {
        pathNot: ["^clients/$1/src/", "node_modules/graphql(-ws)?/", typesOnly],
      },
    },
    {
      name: "the-shop-needs-no-client",
      comment: "An image of the shop has no clients.",
      severity: "error",
      from: { path: own, pathNot: "^(clients|tests|tools|web)/" },
      to: { path: "^clients/" },
    },
    {
      name: "pages-use-the-public-api",
      comment:
        "A page is a client: it imports its own files and the typed client. Its generated files import the types of the schema.",
      severity: "error",
      from: { path: "^web/" },
      to: { path: own, pathNot: "^(web/|clients/typescript/src/(index|generated/schema)[.]ts$)" },
    },
    {
      name: "pages-are-built",
      comment: "The shop serves the files of web/dist/ and imports none of web/.",
      severity: "error",
      from: { path: own, pathNot: "^(tests|web)/" },
      to: { path: "^web/" },
    },
    {
      name: "the-checker-shares-no-code",
      comment: "A fault in the shop's own code must not hide itself from the checker.",
      severity: "error",
      from: { path: "^tools/verify/check/" },
      to: { path: own, pathNot: "^tools/" },
    },
    {
      name: "no-cycles",
      comment: "Files that need each other are one file, or lack a third.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "tools-and-tests-stay-outside",
      comment: "The product is what remains when tools/ and tests/ are deleted.",
      severity: "error",
      from: { pathNot: "^(tests|tools)/" },
      to: { path: "^(tests|tools)/" },
    },
    {
      name: "test-support-is-for-tests",
      comment: "What tools and tests share lies in tools/support/.",
      severity: "error",
      from: { pathNot: "^tests/" },
      to: { path: "^tests/" },
    },
    {
      name: "packages-are-there-in-production",
      comment: "An image without development packages has to start.",
      severity: "error",
      from: { pathNot: "^(clients|tests|tools|web)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "imports-exist",
      comment: "The other rules cannot check an import that is not found.",
      severity: "error",
      from: {},
      to: {
        couldNotResolve: true,
        pathNot: typesOnly,
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(web|clients/typescript)/dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    // Imports of types are imports, too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".tsx", ".js", ".json"],
    },
  },
};
