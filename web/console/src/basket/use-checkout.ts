import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { noteStock } from "../catalogue/live-stock.ts";
import { shop } from "../api/shop.ts";
import { invalidate, useSingleMutation } from "../api/use-shop.ts";
import { BasketProductsDocument, PlaceBasketOrderDocument } from "./basket.graphql.ts";
import type { Basket } from "./basket.ts";
import { beginAttempt, endAttempt, isUnanswered } from "./checkout-attempt.ts";
import { hasNewPrice, idGroups } from "./basket-state.ts";
import { offersQuery } from "./offers.ts";
import { emptyBasket } from "./use-basket.ts";

/** After these errors, the order may be placed nevertheless. */
const unknownOutcome = [
  "NETWORK_ERROR",
  "TIMEOUT",
  "INVALID_RESPONSE",
  "SERVICE_UNAVAILABLE",
  "INTERNAL_SERVER_ERROR",
  "IDEMPOTENCY_IN_PROGRESS",
  "TOO_MANY_REQUESTS",
  "UNAUTHENTICATED",
] as const;

interface CheckoutOptions {
  userId: string;
  onPlaced: (order: { id: string; number: string }) => void;
}

/** The shop has other prices than the basket: the customer has not seen what the order would cost. */
export class PricesChanged extends Error {
  override readonly name = "PricesChanged";
}

/** Reads the offers of a basket again, also for the page. Throws PricesChanged. */
async function checkPrices(client: QueryClient, basket: Basket): Promise<void> {
  const answers = await Promise.all(
    idGroups(basket).map((ids) => client.query({ ...offersQuery(ids), staleTime: 0 })),
  );
  const products = answers.flatMap(({ productsConnection }) => productsConnection.nodes);
  if (hasNewPrice(basket, products)) throw new PricesChanged("Prices have changed.");
}

/** Places an order of the basket, once, however often it is sent, at the prices of the basket. */
export function useCheckout({ userId, onPlaced }: CheckoutOptions) {
  const client = useQueryClient();
  return useSingleMutation({
    async mutationFn(basket: Basket) {
      // An order that may be placed already is not checked: it has the prices of its time.
      if (!isUnanswered(localStorage, userId, basket)) await checkPrices(client, basket);
      const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
      const idempotencyKey = beginAttempt(localStorage, userId, basket, newKey);
      const lines = basket.map(({ productId, quantity }) => ({ product_id: productId, quantity }));
      const input = { order_products: lines };
      return await shop.execute(PlaceBasketOrderDocument, { input }, { idempotencyKey });
    },
    onSuccess({ placeOrder }) {
      endAttempt(localStorage);
      emptyBasket();
      onPlaced(placeOrder);
    },
    async onError(error) {
      if (error instanceof PricesChanged) return;
      if (isShopError(error, ...unknownOutcome)) return;
      endAttempt(localStorage);
      if (isShopError(error, "OUT_OF_STOCK")) {
        noteStock(error.details.product_id, error.details.left);
      }
      await invalidate(client, [BasketProductsDocument]);
    },
  });
}
