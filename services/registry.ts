import type { Contract } from "../core/contract.ts";
import { ordersContract } from "./orders/orders.contract.ts";
import { productsContract } from "./products/products.contract.ts";
import { usersContract } from "./users/users.contract.ts";
import { webhooksContract } from "./webhooks/webhooks.contract.ts";

/**
 * The contracts of all domain services, each with a database of its own. The code of the service
 * `<name>` is `services/<name>/<name>.service.ts`. To add a service, add its contract here:
 * configuration, embedded databases, gateway and readiness read this list.
 */
const domainContracts = [
  usersContract,
  productsContract,
  ordersContract,
  webhooksContract,
] as const;

export const contracts: readonly Contract[] = domainContracts;

export type DomainService = (typeof domainContracts)[number]["name"];
export const domainServices: readonly DomainService[] = domainContracts.map(({ name }) => name);

/** The services that the shop works without. */
export const optionalServices: readonly DomainService[] = domainServices.filter(
  (_name, index) => contracts[index]?.isOptional === true,
);

/** The services without which the shop is not ready. */
export const requiredServices: readonly DomainService[] = domainServices.filter(
  (name) => !optionalServices.includes(name),
);

export type ServiceName = DomainService | "api";
export const serviceNames: readonly ServiceName[] = [...domainServices, "api"];
