/** Services that have a database. */
export type DomainService = "users" | "products" | "orders";

/** Which services each node of a cluster has. */
export type Layout = Record<string, readonly (DomainService | "api")[]>;

/** Two of each service: whatever one does to a node, there is another one that goes on. */
export const fullLayout: Layout = {
  "users-1": ["users"],
  "users-2": ["users"],
  "products-1": ["products"],
  "products-2": ["products"],
  "orders-1": ["orders"],
  "orders-2": ["orders"],
  "orders-3": ["orders"],
  "api-1": ["api"],
  "api-2": ["api"],
};

/** Two of each service in fewer processes, for short runs. */
export const mediumLayout: Layout = {
  "front-1": ["users", "api"],
  "front-2": ["users", "api"],
  "products-1": ["products"],
  "products-2": ["products"],
  "orders-1": ["orders"],
  "orders-2": ["orders"],
};

/** As few processes as a cluster can be, which start in a few seconds. */
export const smallLayout: Layout = {
  "shop-1": ["users", "api"],
  "products-1": ["products"],
  "orders-1": ["orders"],
};
