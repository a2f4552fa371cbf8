/** Which file may import which: downwards only, from the gateway to the rules. */

/** Each service's rules; they decide and compute, and touch nothing. */
const ruleFiles = "^services/(orders/order|products/product|users/user)[.]ts$";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "core-stands-alone",
      comment: "core/ is what all the rest stands on: it knows nothing of this shop's parts.",
      severity: "error",
      from: { path: "^core/" },
      to: { path: "^(mixins|services|embedded|commands|moleculer[.]config[.]ts$)" },
    },
    {
      name: "rules-are-pure",
      comment:
        "The rules of orders, products and users are tested without anything around them: no files, no packages, no database; only limits, refusals and the shapes in contracts.",
      severity: "error",
      from: { path: ruleFiles },
      to: {
        pathNot: ["^core/(validation|errors)[.]ts$", "^services/[^/]+/[^/]+[.]contract[.]ts$"],
      },
    },
    {
      name: "services-meet-by-contract",
      comment:
        "A service sees of another one only its public face: they run on different machines.",
      severity: "error",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^services/", pathNot: ["^services/$1/", "[.]contract[.]ts$"] },
    },
    {
      name: "contracts-are-light",
      comment: "Everybody loads everybody's contract, so it must not bring its service along.",
      severity: "error",
      from: { path: "[.]contract[.]ts$" },
      to: { pathNot: ["^core/", "[.]contract[.]ts$", "^(node:)?fs$", "^(node:)?crypto$"] },
    },
    {
      name: "gateway-has-no-database",
      comment: "The gateway knows actions, not tables.",
      severity: "error",
      from: { path: "^services/api/" },
      to: {
        path: [
          "[.](model|database)[.]ts$",
          "^mixins/",
          "node_modules/(pg|sequelize|umzug|moleculer-db[^/]*)/",
        ],
      },
    },
    {
      name: "only-the-gateway-speaks-graphql-and-http",
      comment: "Which language clients speak is the gateway's own business.",
      severity: "error",
      from: { path: "^(core|mixins|services|embedded|commands)/", pathNot: "^services/api/" },
      to: {
        path: "node_modules/(graphql[^/]*|graphiql|dataloader|moleculer-web|moleculer-apollo-server)/",
      },
    },
    {
      name: "mixins-serve-every-service",
      comment: "What services share cannot know one of them, nor who starts them.",
      severity: "error",
      from: { path: "^mixins/" },
      to: { path: "^(services|embedded|commands|moleculer[.]config[.]ts$)" },
    },
    {
      name: "services-do-not-start-themselves",
      comment: "Services run in one process, in many, or in a test; only commands know in which.",
      severity: "error",
      from: { path: "^services/" },
      to: { path: "^(commands|embedded|moleculer[.]config[.]ts$)" },
    },
    {
      name: "embedded-knows-no-services",
      comment: "The embedded database and transporter would do for any shop.",
      severity: "error",
      from: { path: "^embedded/" },
      to: { path: "^(services|mixins|commands|moleculer[.]config[.]ts$)" },
    },
    {
      name: "the-checker-shares-no-code",
      comment: "What the services believe of themselves cannot prove them right.",
      severity: "error",
      from: { path: "^verify/checks?/" },
      to: { path: "^(core|mixins|services|commands)/" },
    },
    {
      name: "no-cycles",
      comment: "Files that need each other are one file, or lack a third.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "tests-stay-outside",
      comment: "Nothing that runs in production leans on a test. What measures and proves it may.",
      severity: "error",
      from: { pathNot: "^(tests|bench|verify)/" },
      to: { path: "^tests/" },
    },
    {
      name: "packages-are-there-in-production",
      comment: "An image without development packages has to start.",
      severity: "error",
      from: { pathNot: "^(tests|bench|verify)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "imports-exist",
      comment: "An import that is not found is one that no rule above has looked at.",
      severity: "error",
      from: {},
      // The playground's page gets that one from the package of its name.
      to: { couldNotResolve: true, pathNot: "^\\./graphql-ws/client\\.js$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    // Imports of types are imports, too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
