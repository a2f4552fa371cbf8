import { registerHooks } from "node:module";
import { text } from "node:stream/consumers";

/**
 * A program that reads a workflow from standard input and prints the messages of GitHub's own parser,
 * as JSON. The parser imports JSON without the attribute that Node requires and Jest warns about.
 */
registerHooks({
  load: (url, context, nextLoad) =>
    nextLoad(
      url,
      url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context,
    ),
});
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } =
  await import("@actions/workflow-parser");

const content = await text(process.stdin);
const { context, value } = parseWorkflow(
  { name: "workflow.yml", content },
  new NoOperationTraceWriter(),
);
if (value !== undefined && context.errors.getErrors().length === 0) {
  await convertWorkflowTemplate(context, value);
}
console.log(JSON.stringify(context.errors.getErrors().map(({ message }) => message)));
