import { basketTexts } from "../texts/basket.ts";
import { useStocks } from "../catalogue/stock/live-stock.ts";
import { Button, LinkButton } from "../ui/actions/button.tsx";
import { formatNumber, formatPrice } from "../ui/format.ts";
import { problemOf, type OfferedProduct } from "./basket-state.ts";
import { piecesIn, totalOf, type Basket } from "./basket.ts";
import styles from "./basket-page.module.css";

interface BasketSummaryProps {
  basket: Basket;
  offers: ReadonlyMap<string, OfferedProduct | null>;
  isSignedIn: boolean;
  isPending: boolean;
  onPlace: () => void;
}

/** The total, and the button that orders. */
export function BasketSummary(props: BasketSummaryProps) {
  const { basket, offers, isSignedIn, isPending, onPlace } = props;
  const stockOf = useStocks();
  const hasProblem = basket.some((line) => {
    const offered = offers.get(line.productId);
    if (offered === undefined) return false;
    const stock = stockOf(line.productId) ?? offered?.stock ?? 0;
    return problemOf(line, offered && { ...offered, stock }) !== undefined;
  });
  return (
    <section className={styles.summary} aria-label={basketTexts.summary}>
      <dl className={styles.facts}>
        <dt>{basketTexts.pieces}</dt>
        <dd>{formatNumber(piecesIn(basket))}</dd>
        <dt className={styles.total}>{basketTexts.total}</dt>
        <dd className={styles.total}>{formatPrice(totalOf(basket))}</dd>
      </dl>
      {hasProblem && <p className={styles.muted}>{basketTexts.fixFirst}</p>}
      {isSignedIn ? (
        <Button look="primary" isDisabled={hasProblem} isPending={isPending} onPress={onPlace}>
          {basketTexts.place}
        </Button>
      ) : (
        <LinkButton href="/sign-in?next=/basket" look="primary">
          {basketTexts.signIn}
        </LinkButton>
      )}
    </section>
  );
}
