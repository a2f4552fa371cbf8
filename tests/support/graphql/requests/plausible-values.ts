import fc from "fast-check";
import { unknownIds, type Plausible } from "./graphql-values.ts";
import { password } from "../../shop.ts";
import { shortCodeOf } from "../../../../core/ids/short-code.ts";

/** Ids of existing rows. */
interface ExistingIds {
  products: string[];
  orders: string[];
  users: string[];
}

/** Returns realistic values for the fields of this shop. Other fields get values of their type. */
export function plausibleValues({ products, orders, users }: ExistingIds): Plausible {
  const id = (ids: string[]) => fc.constantFrom(...ids, ...ids, ...ids, ...unknownIds);
  const words = fc.constantFrom("Mug", "Cup and saucer", "Ärmel", "👩‍👩‍👧‍👦", "x".repeat(200));
  const quantity = fc.constantFrom(1, 1, 2, 3, 1_000);
  const email = fc.nat(200).map((number) => `fuzz${number}@example.com`);
  const passwords = fc.constantFrom(password, password, "battery staple", "1234567");
  return {
    "product.id": id(products),
    "UpdateInventory.id": id(products),
    product_id: id(products),
    productId: id(products),
    "node.id": id([...products, ...orders, ...users]),
    "nodes.ids": id([...products, ...orders, ...users]),
    "OrderFilter.number": fc.constantFrom("1HN4-7T2C-9KQ0", ...orders.map(shortCodeOf)),
    "order.id": id(orders),
    "cancelOrder.id": id(orders),
    "completeOrder.id": id(orders),
    "ShipOrder.id": id(orders),
    "user.id": id(users),
    "SetUserType.id": id(users),
    "NewUser.type": fc.constantFrom(0, 0, 0, 1),
    "UpdateInventory.type": fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3),
    "__type.name": fc.constantFrom("Product", "Query", "__Type", "NewUser"),
    email,
    password: passwords,
    newPassword: passwords,
    name: words,
    username: words,
    description: words,
    quantity,
    number: quantity,
    price: quantity,
    stock: quantity,
    limit: fc.constantFrom(1, 2, 5, 20, 1_000),
    offset: fc.constantFrom(0, 1, 5),
  };
}
