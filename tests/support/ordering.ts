import { eventually } from "../../tools/support/eventually.ts";
import type { ReachableShop } from "./shop.ts";

export interface Line {
  product_id: string;
  quantity: number;
}

export interface Order {
  id: string;
  user_id: string;
  price_total: number;
  quantity: number;
  order_products: (Line & { price: number; name: string | null; product?: object | null })[];
}

/** The id of a product and the ordered quantity. */
export type NamedLine = [productId: string, quantity: number];

/** Creates a product without a gateway, and waits until the read model of orders has it. */
export async function putOnSale(
  shop: ReachableShop,
  stock: number,
  price = 5,
  name = "Mug",
): Promise<string> {
  const product = { name, description: "", price, stock };
  const { id } = await shop.call<{ id: string }>("products.create", product);
  await eventually("the product in the read model of orders", async () => {
    const sql = "SELECT FROM known_products WHERE id = $1";
    return (await shop.databases.query("orders", sql, [id])).length === 1;
  });
  return id;
}

/** Places an order over GraphQL. Returns the order, or the code and extensions of the error. */
export async function placeOrder(shop: ReachableShop, token: string, ...lines: NamedLine[]) {
  const orderProducts = lines.map(([product_id, quantity]) => ({ product_id, quantity }));
  const { data, code, errors } = await shop.graphql<{ placeOrder: Order }>(
    `mutation ($lines: [PlaceOrderProduct!]!) {
       placeOrder(input: { order_products: $lines }) {
         id user_id price_total quantity order_products { product_id quantity price name }
       }
     }`,
    { variables: { lines: orderProducts }, token },
  );
  return { order: data?.placeOrder, code, error: errors?.[0]?.extensions };
}
