import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * Jest's test runner, except that Node itself loads the modules. Jest loads all modules again for each
 * test file, without a compile cache, which takes longer than most tests. Here a worker loads and
 * compiles each module once, and all of its test files share it.
 */

type TestRunner = (
  globalConfig: unknown,
  config: unknown,
  environment: unknown,
  runtime: object,
  testPath: string,
  sendMessageToJest: unknown,
) => Promise<unknown>;

const require = createRequire(import.meta.url);
const { default: circus } = require("jest-circus/runner") as { default: TestRunner };

// The package itself works only in modules that Jest has loaded.
const globals = new URL("native-globals.ts", import.meta.url).href;
registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === "@jest/globals"
      ? { url: globals, shortCircuit: true }
      : nextResolve(specifier, context),
});

/** The names of the symbols under which jest-circus keeps its state. */
const circusState = new Set<string | undefined>(["JEST_STATE_SYMBOL", "EVENT_HANDLERS"]);

/** The part of Jest's runtime that loads modules. */
const loader = {
  unstable_shouldLoadAsEsm: () => true,
  unstable_importModule: (path: string) => import(pathToFileURL(path).href),
  /** Loads the state of a test file: its hooks, tests and results. */
  requireInternalModule(path: string): unknown {
    for (const name of Object.getOwnPropertySymbols(globalThis)) {
      if (circusState.has(name.description)) Reflect.deleteProperty(globalThis, name);
    }
    Reflect.deleteProperty(require.cache, path);
    return require(path);
  },
};

const run: TestRunner = (globalConfig, config, environment, runtime, testPath, send) => {
  const nativeRuntime = Object.assign(Object.create(runtime) as object, loader);
  return circus(globalConfig, config, environment, nativeRuntime, testPath, send);
};

export default run;
