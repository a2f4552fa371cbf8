import { ExternalLink, Trash2 } from "lucide-react";
import { useShopMutation, useShopQuery } from "../../api/use-shop.ts";
import { useStock, useStockUpdates } from "../../catalogue/stock/live-stock.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { useNavigate } from "../../unsaved/use-navigate.ts";
import { LinkButton } from "../../ui/actions/button.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { formatPrice, formatTime } from "../../ui/format.ts";
import { QueryState } from "../../ui/states.tsx";
import { Table } from "../../ui/lists/table.tsx";
import { showToast } from "../../ui/toast.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { Card, Columns, Facts, Row } from "../../ui/card.tsx";
import { EditProduct } from "./edit/edit-product.tsx";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeStockDocument,
  LowStockRowsDocument,
  type AdminProductViewQuery,
} from "./products.graphql.ts";
import { inventoryChange, StockForm } from "./edit/stock-form.tsx";
import { StockHistory } from "./stock-history.tsx";
import styles from "./products.module.css";

type Product = AdminProductViewQuery["product"];

const shown = [AdminProductViewDocument];

/** One product: its details, its stock, and what has changed. */
export default function ProductPage({ id }: { id: string }) {
  const query = useShopQuery(AdminProductViewDocument, { id });
  useStockUpdates(shown);
  const product = query.data?.product;
  const actions = product && (
    <Row>
      <LinkButton href={`/products/${id}`}>
        <ExternalLink size={16} aria-hidden /> {adminProductTexts.inShop}
      </LinkButton>
      <ArchiveButton id={id} />
    </Row>
  );
  return (
    <AdminPage title={product?.name ?? adminProductTexts.title} actions={actions}>
      <BackLink href="/admin/products">{adminProductTexts.back}</BackLink>
      {product ? <ProductFacts product={product} /> : <QueryState query={query} height={520} />}
    </AdminPage>
  );
}

function ProductFacts({ product }: { product: Product }) {
  const { version, createdAt, updatedAt, priceHistory } = product;
  const stock = useStock(product.id, product.stock);
  return (
    <>
      <Columns>
        <Card title={adminProductTexts.details}>
          <Facts
            facts={[
              [adminProductTexts.version, version],
              [adminProductTexts.createdAt, formatTime(createdAt)],
              [adminProductTexts.updatedAt, formatTime(updatedAt)],
            ]}
          />
          <EditProduct product={product} />
        </Card>
        <Card
          title={adminProductTexts.stockTitle}
          actions={<strong>{adminProductTexts.pieces(stock)}</strong>}
        >
          <StockForm id={product.id} />
        </Card>
      </Columns>
      <Card title={adminProductTexts.priceHistory}>
        <div className={styles.scroll}>
          <Table
            caption={adminProductTexts.priceHistory}
            columns={[
              {
                title: adminProductTexts.validFrom,
                cell: ({ validFrom }) => formatTime(validFrom),
              },
              {
                title: adminProductTexts.price,
                cell: ({ price }) => formatPrice(price),
                isNumber: true,
              },
            ]}
            rows={priceHistory ?? []}
            keyOf={({ validFrom }) => validFrom}
          />
        </div>
      </Card>
      <Card title={adminProductTexts.stockHistory}>
        <StockHistory changes={product.stockHistory ?? []} />
      </Card>
    </>
  );
}

function ArchiveButton({ id }: { id: string }) {
  const navigate = useNavigate();
  const { mutateAsync } = useShopMutation(ChangeStockDocument, {
    invalidates: [AdminProductRowsDocument, LowStockRowsDocument],
    onSuccess() {
      showToast(adminProductTexts.archived);
      navigate("/admin/products");
    },
  });
  return (
    <ConfirmButton
      label={adminProductTexts.archive}
      icon={<Trash2 size={16} aria-hidden />}
      onConfirm={() => mutateAsync({ input: { id, type: inventoryChange.remove, number: 1 } })}
    >
      {adminProductTexts.archiveText}
    </ConfirmButton>
  );
}
