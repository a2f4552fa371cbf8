import { useState } from "react";
import { ArrowLeft, ShoppingBag } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../app/page.tsx";
import { isMissing } from "../api/error-text.ts";
import { useShopQuery } from "../api/use-shop.ts";
import { catalogueTexts } from "../texts/catalogue.ts";
import { Button } from "../ui/button.tsx";
import { QuantityField } from "../ui/fields.tsx";
import { formatPrice } from "../ui/format.ts";
import { ErrorState, Skeleton } from "../ui/states.tsx";
import { ProductViewDocument, type ProductViewQuery } from "./catalogue.graphql.ts";
import { useStock, useStockUpdates } from "./live-stock.ts";
import { ProductPicture } from "./product-picture.tsx";
import { putInBasket } from "./put-in-basket.tsx";
import { StockBadge } from "./stock-badge.tsx";
import styles from "./product-page.module.css";

const documents = [ProductViewDocument];

/** One product, with its live stock. */
export default function ProductPage({ id }: { id: string }) {
  const { data, error, refetch } = useShopQuery(ProductViewDocument, { id });
  useStockUpdates(documents);
  const otherTitle = isMissing(error) ? catalogueTexts.missing : catalogueTexts.title;
  return (
    <Page title={data?.product.name ?? otherTitle}>
      <Link href="/" className={styles.back}>
        <ArrowLeft size={16} aria-hidden /> {catalogueTexts.back}
      </Link>
      {data && <ProductView product={data.product} />}
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton height={420} />}
    </Page>
  );
}

function ProductView({ product }: { product: ProductViewQuery["product"] }) {
  const { id, name, description, price, sku } = product;
  const stock = useStock(id, product.stock);
  const [quantity, setQuantity] = useState(1);
  return (
    <div className={styles.product}>
      <ProductPicture id={id} name={name} />
      <div className={styles.facts}>
        <div className={styles.price}>{formatPrice(price)}</div>
        <div aria-live="polite">
          <StockBadge stock={stock} />
        </div>
        <p className={styles.description}>
          {description === "" ? catalogueTexts.noDescription : description}
        </p>
        {stock > 0 && (
          <div className={styles.buy}>
            <QuantityField
              label={catalogueTexts.quantity}
              value={Math.min(quantity, stock)}
              max={stock}
              onChange={setQuantity}
            />
            <Button
              look="primary"
              onPress={() => {
                putInBasket({ productId: id, name, price, quantity: Math.min(quantity, stock) });
              }}
            >
              <ShoppingBag size={18} aria-hidden /> {catalogueTexts.add}
            </Button>
          </div>
        )}
        {sku !== null && (
          <dl className={styles.sku}>
            <dt>{catalogueTexts.sku}</dt>
            <dd>{sku}</dd>
          </dl>
        )}
      </div>
    </div>
  );
}
