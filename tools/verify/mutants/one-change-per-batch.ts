import { mutateStatements } from "./mutate-statements.ts";

/** Applies only the largest of several changes of a product's stock in one batch of events. */
const sum = "sum(number)::integer AS number";
const largest = "max(number)::integer AS number";

mutateStatements("the sum of the changes", {
  concerns: ({ text }) => text.includes("UPDATE known_products") && text.includes(sum),
  run: ({ text, values }, send) => send(text.replace(sum, largest), values),
});
