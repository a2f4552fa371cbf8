import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";
import type { Environment } from "monaco-editor/esm/vs/editor/editor.api.js";
import GraphqlWorker from "monaco-graphql/esm/graphql.worker.js?worker";

const workers: Readonly<Record<string, new () => Worker>> = {
  json: JsonWorker,
  graphql: GraphqlWorker,
};

// Not graphiql/setup-workers/vite, which writes to the browser's console.
const environment: Environment = {
  getWorker: (_id, label) => new (workers[label] ?? EditorWorker)(),
};
Object.assign(globalThis, { MonacoEnvironment: environment });
