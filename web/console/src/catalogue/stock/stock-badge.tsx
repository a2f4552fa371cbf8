import { catalogueTexts } from "../../texts/catalogue.ts";
import { Badge } from "../../ui/states.tsx";

/** A stock of this size or more is shown without its number. */
export const plentyOfStock = 6;

/** Says whether a product can be ordered, and how many pieces are left of few. */
export function StockBadge({ stock }: { stock: number }) {
  if (stock <= 0) return <Badge kind="neutral">{catalogueTexts.soldOut}</Badge>;
  if (stock < plentyOfStock) return <Badge kind="warning">{catalogueTexts.left(stock)}</Badge>;
  return <Badge kind="success">{catalogueTexts.available}</Badge>;
}
