import { printSchema, type GraphQLSchema } from "graphql";
import { ServiceBroker } from "moleculer";
import { composeBase, SchemaComposer } from "../../services/api/graphql/schema/schema-composer.ts";
import { TagSubscriptions } from "../../services/api/subscriptions/tag-subscriptions.ts";
import { clientFiles, consoleFiles } from "./client-files.ts";
import { formatted, type GeneratedFile } from "./generated-files.ts";
import { LogTails } from "../../services/api/subscriptions/log/log-tails.ts";
import { schemaPage } from "./schema-page.ts";

/**
 * Composes the schema of the gateway without services that join from outside the project. Throws
 * SchemaError.
 */
export function composedSchema(): GraphQLSchema {
  const broker = new ServiceBroker({ logger: false });
  const composer = new SchemaComposer({
    broker,
    tagSubscriptions: new TagSubscriptions(),
    tails: new LogTails(broker, []),
    publicReads: false,
    hasConsole: true,
    revocationOf: () => undefined,
  });
  return composeBase(composer).schema;
}

/** Returns the files that are generated from the schema. */
export async function schemaFiles(): Promise<GeneratedFile[]> {
  const schema = composedSchema();
  return [
    await formatted("schema.graphql", printSchema(schema)),
    await formatted("docs/schema.md", schemaPage(schema)),
    ...(await clientFiles(schema)),
    ...(await consoleFiles(schema)),
  ];
}
