import { useMemo, useReducer } from "react";
import { useQueries } from "@tanstack/react-query";
import { ShoppingBag } from "lucide-react";
import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { Page } from "../app/pages/page.tsx";
import { forgetStocksBefore, useStockUpdates } from "../catalogue/stock/live-stock.ts";
import { keyOf } from "../api/documents.ts";
import { errorText, lostReason } from "../api/error-text.ts";
import { shop } from "../api/shop.ts";
import { useSession } from "../session/use-session.ts";
import { basketTexts } from "../texts/basket.ts";
import { commonTexts } from "../texts/common.ts";
import { useNavigate } from "../unsaved/use-navigate.ts";
import { LinkButton } from "../ui/actions/button.tsx";
import { EmptyState, Notice } from "../ui/states.tsx";
import { showToast } from "../ui/toast.tsx";
import { BasketLineRow } from "./basket-line.tsx";
import { BasketSummary } from "./basket-summary.tsx";
import { BasketProductsDocument, type BasketProductsQuery } from "./basket.graphql.ts";
import { idGroups, type OfferedProduct } from "./basket-state.ts";
import type { Basket } from "./basket.ts";
import { lostOrderOf } from "./checkout-attempt.ts";
import { LostOrderNotice } from "./lost-order-notice.tsx";
import { useBasket } from "./use-basket.ts";
import { useCheckout } from "./use-checkout.ts";
import styles from "./basket-page.module.css";

const documents = [BasketProductsDocument];
/** Stock is live; of new prices, there are no events for customers. */
const readEveryMs = 30_000;

/** The basket, and the button that orders it. */
export default function BasketPage() {
  const basket = useBasket();
  const { userId = "" } = useSession();
  const navigate = useNavigate();
  const offers = useOffers(basket);
  useStockUpdates(documents);
  const checkout = useCheckout({
    userId,
    onPlaced({ id, number }) {
      showToast(basketTexts.placed(number));
      navigate(`/orders/${id}`);
    },
  });
  const { mutate, isPending, variables } = checkout;
  const [, showAgain] = useReducer((count: number) => count + 1, 0);
  // An error says what was wrong with the basket as it was sent.
  const error = variables === basket ? checkout.error : null;
  if (basket.length === 0) {
    const action = <LinkButton href="/">{commonTexts.toCatalogue}</LinkButton>;
    return (
      <Page title={basketTexts.title}>
        <EmptyState icon={<ShoppingBag />} title={basketTexts.emptyTitle} action={action}>
          {basketTexts.emptyText}
        </EmptyState>
      </Page>
    );
  }
  const readLost = () => (userId === "" ? undefined : lostOrderOf(localStorage, userId, basket));
  const lost = readLost();
  // One message says both: the error alone sounds as if nothing had been sent.
  const isInNotice = lost !== undefined && lostReason(error) !== undefined;
  const place = () => {
    // The page is so old that what it promises no longer holds.
    if (lost === "repeatable" && readLost() === "expired") showAgain();
    else mutate(basket);
  };
  return (
    <Page title={basketTexts.title}>
      {lost && !isPending && <LostOrderNotice lost={lost} error={error} />}
      {error && !isInNotice && !isShopError(error, "OUT_OF_STOCK") && (
        <Notice kind="danger">
          {isShopError(error, "PRICE_CHANGED") ? basketTexts.pricesChanged : errorText(error)}
        </Notice>
      )}
      <div className={styles.columns}>
        <ul className={styles.lines} aria-label={basketTexts.lines}>
          {basket.map((line) => (
            <BasketLineRow key={line.productId} line={line} offered={offers.get(line.productId)} />
          ))}
        </ul>
        <BasketSummary
          basket={basket}
          offers={offers}
          isSignedIn={userId !== ""}
          isPending={isPending}
          onPlace={place}
        />
      </div>
    </Page>
  );
}

async function readOffers(ids: string[]): Promise<BasketProductsQuery> {
  const sentMs = performance.now();
  const offers = await shop.execute(BasketProductsDocument, { ids });
  forgetStocksBefore(sentMs, ids);
  return offers;
}

/**
 * Returns what the catalogue says about the products of a basket: undefined while it is unknown, null
 * for products that are not in the catalogue.
 */
function useOffers(basket: Basket): ReadonlyMap<string, OfferedProduct | null> {
  const groups = useMemo(() => idGroups(basket), [basket]);
  return useQueries({
    queries: groups.map((ids) => ({
      queryKey: keyOf(BasketProductsDocument, { ids }),
      queryFn: () => readOffers(ids),
      refetchInterval: readEveryMs,
      // The lines keep what is known when one of them is removed.
      placeholderData: (previous: BasketProductsQuery | undefined) => previous,
    })),
    combine: (results) => {
      const offers = new Map<string, OfferedProduct | null>();
      for (const [index, { data, isPlaceholderData }] of results.entries()) {
        if (data === undefined) continue;
        if (!isPlaceholderData) for (const id of groups[index] ?? []) offers.set(id, null);
        for (const product of data.productsConnection.nodes) offers.set(product.id, product);
      }
      return offers;
    },
  });
}
