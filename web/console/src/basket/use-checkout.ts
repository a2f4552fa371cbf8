import { useQueryClient } from "@tanstack/react-query";
import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { noteStock } from "../catalogue/stock/live-stock.ts";
import { isOutcomeUnknown } from "../api/lost-answer.ts";
import { newIdempotencyKey } from "../api/mutation-sender.ts";
import { shop } from "../api/shop.ts";
import { assertReachable } from "../api/watched-fetch.ts";
import { invalidate, useSingleMutation } from "../api/use-shop.ts";
import { BasketProductsDocument, PlaceBasketOrderDocument } from "./basket.graphql.ts";
import type { Basket } from "./basket.ts";
import { beginAttempt, endAttempt, hasPricesOf, type CheckoutAttempt } from "./checkout-attempt.ts";
import { removeOrdered } from "./use-basket.ts";

interface CheckoutOptions {
  userId: string;
  onPlaced: (order: { id: string; number: string }) => void;
}

function send({ key, basket }: CheckoutAttempt) {
  const lines = basket.map(({ productId, quantity, price }) => ({
    product_id: productId,
    quantity,
    expectedPrice: price,
  }));
  const input = { order_products: lines };
  return shop.execute(PlaceBasketOrderDocument, { input }, { idempotencyKey: key });
}

/** Places an order of the basket, once, however often it is sent, at the prices of the basket. */
export function useCheckout({ userId, onPlaced }: CheckoutOptions) {
  const client = useQueryClient();
  return useSingleMutation({
    async mutationFn(basket: Basket) {
      await assertReachable();
      const attempt = beginAttempt(localStorage, userId, basket, newIdempotencyKey);
      try {
        return await send(attempt);
      } catch (error) {
        const isOverdue = isShopError(error, "PRICE_CHANGED") && !hasPricesOf(attempt, basket);
        if (!isOverdue) throw error;
        // The repeated order was never placed, and the customer has agreed to the new prices since.
        endAttempt(localStorage, userId);
        return await send(beginAttempt(localStorage, userId, basket, newIdempotencyKey));
      }
    },
    onSuccess({ placeOrder }, basket) {
      endAttempt(localStorage, userId);
      removeOrdered(basket);
      onPlaced(placeOrder);
    },
    async onError(error) {
      if (isOutcomeUnknown(error)) return;
      endAttempt(localStorage, userId);
      if (isShopError(error, "OUT_OF_STOCK")) {
        noteStock(error.details.product_id, error.details.left);
      }
      await invalidate(client, [BasketProductsDocument]);
    },
  });
}
