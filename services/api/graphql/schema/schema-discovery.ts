import type { GraphQLSchema } from "graphql";
import type { ServiceBroker } from "moleculer";
import { messageOf } from "../../../../core/errors.ts";
import { assertNoCollision, findServices, type DiscoveredService } from "./discovered-services.ts";
import type { SchemaComposer } from "./schema-composer.ts";

/**
 * Adds services to the schema that join the cluster and are not in the registry. A service that has
 * left keeps its fields, which then fail with SERVICE_UNAVAILABLE. A service whose declarations
 * collide is logged and left out; the schema does not change.
 */
export class SchemaDiscovery {
  readonly #broker: ServiceBroker;
  readonly #composer: SchemaComposer;
  readonly #base: GraphQLSchema;
  readonly #onSchema: (schema: GraphQLSchema) => void;
  readonly #accepted = new Map<string, DiscoveredService>();
  /** The declarations last seen of each service, accepted or not. */
  readonly #seen = new Map<string, string>();
  #isScheduled = false;

  /**
   * @param base the composed schema of the registry's services
   * @param onSchema called with each new schema
   */
  constructor(
    broker: ServiceBroker,
    composer: SchemaComposer,
    base: GraphQLSchema,
    onSchema: (schema: GraphQLSchema) => void,
  ) {
    this.#broker = broker;
    this.#composer = composer;
    this.#base = base;
    this.#onSchema = onSchema;
  }

  /** Checks for changed services. Several calls in one turn of the event loop check once. */
  refresh(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#compose();
    });
  }

  #compose(): void {
    for (const service of findServices(this.#broker)) {
      const declarations = declarationsOf(service);
      if (this.#seen.get(service.fullName) === declarations) continue;
      this.#seen.set(service.fullName, declarations);
      this.#accept(service);
    }
  }

  #accept(service: DiscoveredService): void {
    const { fullName } = service;
    const services = new Map(this.#accepted).set(fullName, service);
    try {
      assertNoCollision(this.#base, service);
      const schema = this.#composer.compose([...services.values()]);
      this.#accepted.set(fullName, service);
      this.#onSchema(schema);
      this.#broker.logger.info(`The GraphQL fields of ${fullName} were added to the schema.`);
    } catch (error) {
      this.#broker.logger.error(
        `The GraphQL fields of ${fullName} are left out: ${messageOf(error)}.`,
      );
    }
  }
}

/** Returns the parts of a service that the schema depends on. */
function declarationsOf({ settings, actions }: DiscoveredService): string {
  const fields = Object.values(actions).map(({ name, access, visibility, graphql }) => ({
    name,
    access,
    visibility,
    graphql,
  }));
  return JSON.stringify([settings.graphql, fields]);
}
