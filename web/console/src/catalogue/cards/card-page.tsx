import { memo, useEffect, useRef, useState } from "react";
import { catalogueTexts } from "../../texts/catalogue.ts";
import type { ProductCardsQuery } from "../catalogue.graphql.ts";
import { ProductCard } from "./product-card.tsx";
import styles from "./card-page.module.css";

type Products = ProductCardsQuery["productsConnection"]["nodes"];

/** How far from the window a page of cards is still drawn. */
const drawnWithin = "1200px";

/**
 * One page of the catalogue. Far from the window, it is an empty box of the same height: a list of
 * thousands of cards costs as much as one of a hundred.
 */
export const CardPage = memo(function CardPage({ products }: { products: Readonly<Products> }) {
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<number>();
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry === undefined) return;
        setHeight(entry.isIntersecting ? undefined : entry.boundingClientRect.height);
      },
      { rootMargin: drawnWithin },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return (
    <div ref={box} style={{ height }}>
      {height === undefined && (
        <ul className={styles.grid} aria-label={catalogueTexts.products}>
          {products.map((product) => (
            <ProductCard key={product.id} product={product} />
          ))}
        </ul>
      )}
    </div>
  );
});
