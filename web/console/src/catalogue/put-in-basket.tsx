import { Link } from "wouter";
import { maxLines, type BasketLine } from "../basket/basket.ts";
import { addToBasket } from "../basket/use-basket.ts";
import { catalogueTexts } from "../texts/catalogue.ts";
import { showToast } from "../ui/toast.tsx";

/** Adds a product to the basket, and says whether it is there. */
export function putInBasket(line: BasketLine): void {
  const isAdded = addToBasket(line);
  showToast(
    <>
      {isAdded ? catalogueTexts.added(line.name) : catalogueTexts.basketIsFull(maxLines)}{" "}
      <Link href="/basket">{catalogueTexts.toBasket}</Link>
    </>,
  );
}
