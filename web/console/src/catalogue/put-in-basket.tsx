import { Link } from "wouter";
import type { BasketLine } from "../basket/basket.ts";
import { addToBasket } from "../basket/use-basket.ts";
import { catalogueTexts } from "../texts/catalogue.ts";
import { showToast } from "../ui/toast.tsx";

/** Adds a product to the basket and says so. */
export function putInBasket(line: BasketLine): void {
  addToBasket(line);
  showToast(
    <>
      {catalogueTexts.added(line.name)} <Link href="/basket">{catalogueTexts.toBasket}</Link>
    </>,
  );
}
