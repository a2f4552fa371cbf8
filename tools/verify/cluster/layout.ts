/** Services that have a database. */
export type DomainService = "users" | "products" | "orders" | "webhooks";

/** The services of each node of a cluster. */
export type Layout = Record<string, readonly (DomainService | "api")[]>;

/** At least two replicas of each service, so that the shop survives any fault of one node. */
export const fullLayout: Layout = {
  "users-1": ["users"],
  "users-2": ["users"],
  "products-1": ["products"],
  "products-2": ["products"],
  "orders-1": ["orders"],
  "orders-2": ["orders"],
  "orders-3": ["orders"],
  "webhooks-1": ["webhooks"],
  "webhooks-2": ["webhooks"],
  "api-1": ["api"],
  "api-2": ["api"],
};

/** Two replicas of each service in fewer processes, for short runs. */
export const mediumLayout: Layout = {
  "front-1": ["users", "api"],
  "front-2": ["users", "api"],
  "products-1": ["products"],
  "products-2": ["products"],
  "orders-1": ["orders", "webhooks"],
  "orders-2": ["orders", "webhooks"],
};

/** A minimal cluster, which starts in a few seconds. */
export const smallLayout: Layout = {
  "shop-1": ["users", "api"],
  "products-1": ["products"],
  "orders-1": ["orders", "webhooks"],
};

/** One process: a mutant changes statements, and their effects do not depend on the process of a service. */
export const mutantLayout: Layout = {
  "shop-1": ["users", "products", "orders", "webhooks", "api"],
};
