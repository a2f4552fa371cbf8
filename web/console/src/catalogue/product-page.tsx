import { useState } from "react";
import { ArrowLeft, ShoppingBag } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../app/page.tsx";
import { isMissing } from "../api/error-text.ts";
import { useShopQuery } from "../api/use-shop.ts";
import { ShortageNotice } from "../basket/shortage-notice.tsx";
import { catalogueTexts } from "../texts/catalogue.ts";
import { Button } from "../ui/button.tsx";
import { formatPrice } from "../ui/format.ts";
import { QuantityField } from "../ui/quantity-field.tsx";
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
  const isShort = stock > 0 && quantity > stock;
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
              value={quantity}
              onChange={setQuantity}
            />
            <Button
              look="primary"
              isDisabled={isShort}
              onPress={() => {
                putInBasket({ productId: id, name, price, quantity });
              }}
            >
              <ShoppingBag size={18} aria-hidden /> {catalogueTexts.add}
            </Button>
          </div>
        )}
        {isShort && <ShortageNotice left={stock} onReduce={setQuantity} />}
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
