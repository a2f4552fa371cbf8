import { schemaFiles } from "./composed-schema.ts";
import { writeFiles } from "./generated-files.ts";

/**
 * `npm run schema`: writes schema.graphql, docs/schema.md and the generated files of
 * the typed client and of the console.
 */

writeFiles(await schemaFiles());
