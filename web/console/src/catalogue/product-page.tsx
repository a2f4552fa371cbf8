import { useState } from "react";
import { ShoppingBag } from "lucide-react";
import { Page } from "../app/pages/page.tsx";
import { isMissing } from "../api/error-text.ts";
import { useShopQuery } from "../api/use-shop.ts";
import { ShortageNotice } from "../basket/shortage-notice.tsx";
import { catalogueTexts } from "../texts/catalogue.ts";
import { titles } from "../texts/titles.ts";
import { BackLink } from "../ui/actions/back-link.tsx";
import { Button } from "../ui/actions/button.tsx";
import { formatPrice } from "../ui/format.ts";
import { QuantityField } from "../ui/forms/quantity-field.tsx";
import { QueryState } from "../ui/states.tsx";
import { ProductViewDocument, type ProductViewQuery } from "./catalogue.graphql.ts";
import { useStock, useStockUpdates } from "./stock/live-stock.ts";
import { ProductPicture } from "./picture/product-picture.tsx";
import { putInBasket } from "./put-in-basket.tsx";
import { StockBadge } from "./stock/stock-badge.tsx";
import styles from "./product-page.module.css";

const documents = [ProductViewDocument];

/** One product, with its live stock. */
export default function ProductPage({ id }: { id: string }) {
  const query = useShopQuery(ProductViewDocument, { id });
  useStockUpdates(documents);
  const product = query.data?.product;
  const otherTitle = isMissing(query.error) ? catalogueTexts.missing : titles.product;
  return (
    <Page title={product?.name ?? otherTitle}>
      <BackLink href="/">{catalogueTexts.back}</BackLink>
      {product ? <ProductView product={product} /> : <QueryState query={query} height={420} />}
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
