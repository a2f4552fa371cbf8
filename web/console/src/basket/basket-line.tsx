import { Link } from "wouter";
import { ProductPicture } from "../catalogue/picture/product-picture.tsx";
import { useStock } from "../catalogue/stock/live-stock.ts";
import { basketTexts } from "../texts/basket.ts";
import { Button } from "../ui/actions/button.tsx";
import { formatPrice } from "../ui/format.ts";
import { QuantityField } from "../ui/forms/quantity-field.tsx";
import { Notice } from "../ui/states.tsx";
import { problemOf, type LineProblem, type OfferedProduct } from "./basket-state.ts";
import type { BasketLine } from "./basket.ts";
import { ShortageNotice } from "./shortage-notice.tsx";
import { changeInBasket } from "./use-basket.ts";
import styles from "./basket-page.module.css";

interface BasketLineProps {
  line: BasketLine;
  /** Undefined while it is unknown, null if the product is not in the catalogue. */
  offered: OfferedProduct | null | undefined;
}

/** A line of the basket. A problem is shown with what can be done about it. */
export function BasketLineRow({ line, offered }: BasketLineProps) {
  const { productId, name, price, quantity } = line;
  const stock = useStock(productId, offered?.stock ?? 0);
  const present = offered === null || offered === undefined ? offered : { ...offered, stock };
  const problem = present === undefined ? undefined : problemOf(line, present);
  const remove = () => {
    changeInBasket(productId, { quantity: 0 });
  };
  return (
    <li className={styles.line}>
      <span className={styles.picture}>
        <ProductPicture id={productId} name={name} />
      </span>
      <div className={styles.name}>
        <Link href={`/products/${productId}`}>{name}</Link>
        <span className={styles.muted}>{basketTexts.each(formatPrice(price))}</span>
      </div>
      <div className={styles.controls}>
        <QuantityField
          label={basketTexts.quantityOf(name)}
          value={quantity}
          onChange={(changed) => {
            changeInBasket(productId, { quantity: changed });
          }}
        />
        <Button look="quiet" isSmall onPress={remove} aria-label={basketTexts.removeNamed(name)}>
          {basketTexts.remove}
        </Button>
      </div>
      <strong className={styles.sum}>{formatPrice(price * quantity)}</strong>
      {problem && (
        <div className={styles.problem}>
          <ProblemNotice line={line} problem={problem} onRemove={remove} />
        </div>
      )}
    </li>
  );
}

interface ProblemNoticeProps {
  line: BasketLine;
  problem: LineProblem;
  onRemove: () => void;
}

function ProblemNotice({ line: { productId, price }, problem, onRemove }: ProblemNoticeProps) {
  if (problem.kind === "gone") {
    const action = (
      <Button isSmall onPress={onRemove}>
        {basketTexts.remove}
      </Button>
    );
    return (
      <Notice kind="danger" action={action}>
        {basketTexts.gone}
      </Notice>
    );
  }
  if (problem.kind === "shortage") {
    const reduce = (quantity: number) => {
      changeInBasket(productId, { quantity });
    };
    return <ShortageNotice left={problem.left} onReduce={reduce} />;
  }
  const accept = () => {
    changeInBasket(productId, { price: problem.price });
  };
  const action = (
    <Button isSmall onPress={accept}>
      {basketTexts.acceptPrice}
    </Button>
  );
  return (
    <Notice kind="warning" action={action}>
      {basketTexts.priceChanged(formatPrice(price), formatPrice(problem.price))}
    </Notice>
  );
}
