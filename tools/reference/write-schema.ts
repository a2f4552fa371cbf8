import { schemaFiles } from "./composed-schema.ts";
import { writeFiles } from "./generated-files.ts";

/** `npm run schema`: writes schema.graphql and docs/schema.md. */

writeFiles(await schemaFiles());
