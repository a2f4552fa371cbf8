import { memo } from "react";
import { ShoppingBag } from "lucide-react";
import { Link } from "wouter";
import { catalogueTexts } from "../../texts/catalogue.ts";
import { formatPrice } from "../../ui/format.ts";
import { putInBasket } from "../put-in-basket.tsx";
import type { ProductCardsQuery } from "../catalogue.graphql.ts";
import { useStock } from "../stock/live-stock.ts";
import { ProductPicture } from "../picture/product-picture.tsx";
import { StockBadge } from "../stock/stock-badge.tsx";
import styles from "./product-card.module.css";

type Product = ProductCardsQuery["productsConnection"]["nodes"][number];

/** A product in the catalogue. The whole card is the link to its page. */
export const ProductCard = memo(function ProductCard({ product }: { product: Product }) {
  const { id, name, price } = product;
  const stock = useStock(id, product.stock);
  return (
    <li className={styles.card}>
      <ProductPicture id={id} name={name} />
      <div className={styles.text}>
        <h2 className={styles.name}>
          <Link href={`/products/${id}`} className={styles.link}>
            {name}
          </Link>
        </h2>
        <div className={styles.row}>
          <span className={styles.price}>{formatPrice(price)}</span>
          <StockBadge stock={stock} />
        </div>
      </div>
      <button
        type="button"
        className={styles.add}
        aria-label={catalogueTexts.addNamed(name)}
        disabled={stock <= 0}
        onClick={() => {
          putInBasket({ productId: id, name, price, quantity: 1 });
        }}
      >
        <ShoppingBag size={18} aria-hidden />
      </button>
    </li>
  );
});
