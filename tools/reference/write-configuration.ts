import { configurationFiles } from "./configuration-files.ts";
import { writeFiles } from "./generated-files.ts";

/** `npm run docs:configuration`: writes .env.example and docs/configuration.md. */

writeFiles(await configurationFiles());
