import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import jsxA11y from "eslint-plugin-jsx-a11y-x";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";
import { schemaRules } from "./tools/lint/schema-rules.js";

/** Settings and output have their places: a variable read elsewhere is in no table of settings. */
const environment = {
  object: "process",
  property: "env",
  message: "Only config/ reads the environment; take what you need from Config.",
};

const boundOnly = "SQL is a literal, and values are bound to it ($1 …).";
/** Calls that run SQL: `query(…)`, `work.query(…)`, `this.#query(…)`, `queryOn(…)(…)`. */
const runsSql =
  "CallExpression:matches([callee.name='query'], [callee.property.name='query'], [callee.callee.name='queryOn'])";
const beginsSql = "/^\\s*(SELECT|INSERT|UPDATE|DELETE|WITH|SET|LOCK|ALTER|CREATE|DROP|TRUNCATE) /i";

/** SQL that is put together from parts, where it is run and wherever it is written. */
const composedSql = [
  // A column list of database/columns.ts and a FROM clause of several statements may stand in it.
  `TemplateLiteral:matches(${runsSql} > .arguments:first-child, [quasis.0.value.raw=${beginsSql}]) > :not(TemplateElement, Identifier[name=/(Columns|From)$/])`,
  `BinaryExpression[operator='+']:matches(${runsSql} > .arguments:first-child, [left.value=${beginsSql}])`,
].map((selector) => ({ selector, message: boundOnly }));

/** A literal that is spread only keeps the formatter from breaking lines. */
const spreadLiterals = [
  "SpreadElement > ObjectExpression",
  "SpreadElement > ArrayExpression",
  "SpreadElement > TSAsExpression > :matches(ArrayExpression, ObjectExpression)",
].map((selector) => ({ selector, message: "Write the parts themselves, one to a line." }));

/** A call without a caller is the operator's, whom nothing is refused. */
const namelessCall = {
  selector:
    "CallExpression[callee.property.name=/^m?call$/][arguments.length<3]:matches([callee.object.name='broker'], [callee.object.property.name='broker'])",
  message: "Call through a request's context, or say { caller: gatewayName }.",
};

/** Texts that a user sees or hears. */
const textsInMarkup = [
  "JSXText[value=/[A-Za-z]{2}/]",
  "JSXAttribute[name.name=/^(alt|aria-label|description|label|placeholder|title)$/] > Literal",
].map((selector) => ({ selector, message: "Texts stand in web/*/src/texts/." }));

const wholeHttp = {
  name: "node:http",
  allowTypeImports: true,
  message: "Take it from core/network/http.ts: a start must not load all of node:http.",
};

const fetchesNothing = "Services fetch nothing: an address could be one that somebody has sent.";

export default defineConfig(
  {
    ignores: [
      "data/",
      "coverage/",
      "clients/typescript/dist/",
      // Written by GraphQL Code Generator.
      "clients/typescript/src/generated/",
      "web/**/*.graphql.ts",
      "web/dist/",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  schemaRules,
  {
    files: ["**/*.{js,cjs,ts,tsx}"],
    extends: [js.configs.recommended],
    rules: {
      eqeqeq: "error",
      "no-restricted-syntax": ["error", ...spreadLiterals],
      "no-console": "error",
      "no-restricted-properties": ["error", environment],
      // Its `env` would slip past the rule above.
      "no-restricted-imports": ["error", { paths: ["process", "node:process"] }],
    },
  },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // A number's text is what one expects; `String(n)` around each would only hide the sentence.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `async` is part of the signature: it makes a rejection of whatever is thrown inside.
      "@typescript-eslint/require-await": "off",
    },
  },
  {
    files: ["{broker,core,database,event-log,middlewares,mixins,services}/**/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", ...spreadLiterals, ...composedSql],
      "no-restricted-globals": ["error", { name: "fetch", message: fetchesNothing }],
    },
  },
  {
    files: ["services/api/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", ...spreadLiterals, ...composedSql, namelessCall] },
  },
  {
    files: [
      "{broker,commands,config,core,database,embedded,event-log,middlewares,mixins,services}/**/*.ts",
      "moleculer.config.ts",
    ],
    rules: {
      "no-restricted-imports": ["error", { paths: ["process", "node:process", wholeHttp] }],
    },
  },
  { files: ["config/{config,npm}.ts"], rules: { "no-restricted-properties": "off" } },
  // Commands speak to a terminal.
  { files: ["commands/**"], rules: { "no-console": "off" } },
  // Tests start programs with settings of their own, and report.
  {
    files: ["tests/**", "tools/**", "deploy/**"],
    rules: { "no-console": "off", "no-restricted-properties": "off" },
  },
  // What is meant not to compile has no types that could be checked.
  { files: ["tests/**/*.test-d.ts"], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ["{commands,web}/*.cjs"],
    languageOptions: {
      globals: { __dirname: "readonly", process: "readonly", require: "readonly" },
    },
  },
  {
    files: ["web/entry-guard.js"],
    rules: { "no-undef": "off" },
  },
  {
    files: ["web/**/*.{ts,tsx}"],
    extends: [jsxA11y.configs.strict, reactHooks.configs.flat["recommended-latest"]],
    rules: {
      "no-restricted-syntax": ["error", ...spreadLiterals, ...textsInMarkup],
      // Components of ours have a property `role`, too: that of a user.
      "jsx-a11y-x/aria-role": ["error", { ignoreNonDOM: true }],
    },
  },
);
