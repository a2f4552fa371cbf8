import { useState } from "react";
import { ExternalLink, Trash2 } from "lucide-react";
import { useLocation } from "wouter";
import { useShopMutation, useShopQuery } from "../../api/use-shop.ts";
import { useStock, useStockUpdates } from "../../catalogue/live-stock.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { Button, LinkButton } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { formatPrice, formatTime } from "../../ui/format.ts";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { Table } from "../../ui/table.tsx";
import { showToast } from "../../ui/toast.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../shared/back-link.tsx";
import { Card, Columns, Facts, Row } from "../shared/card.tsx";
import { EditProduct } from "./edit-product.tsx";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeStockDocument,
  LowStockRowsDocument,
  type AdminProductViewQuery,
} from "./products.graphql.ts";
import { inventoryChange, StockForm } from "./stock-form.tsx";
import { StockHistory } from "./stock-history.tsx";
import styles from "./products.module.css";

type Product = AdminProductViewQuery["product"];

const shown = [AdminProductViewDocument];

/** One product: its details, its stock, and what has changed. */
export default function ProductPage({ id }: { id: string }) {
  const { data, error, refetch } = useShopQuery(AdminProductViewDocument, { id });
  useStockUpdates(shown);
  const product = data?.product;
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
      {product && <ProductFacts product={product} />}
      {!product && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!product && !error && <Skeleton height={520} />}
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
  const [isAsking, setAsking] = useState(false);
  const [, navigate] = useLocation();
  const { mutateAsync } = useShopMutation(ChangeStockDocument, {
    invalidates: [AdminProductRowsDocument, LowStockRowsDocument],
    onSuccess() {
      showToast(adminProductTexts.archived);
      navigate("/admin/products");
    },
  });
  return (
    <>
      <Button
        onPress={() => {
          setAsking(true);
        }}
      >
        <Trash2 size={16} aria-hidden /> {adminProductTexts.archive}
      </Button>
      <ConfirmDialog
        title={adminProductTexts.archive}
        confirmLabel={adminProductTexts.archive}
        isOpen={isAsking}
        onClose={() => {
          setAsking(false);
        }}
        onConfirm={() => mutateAsync({ input: { id, type: inventoryChange.remove, number: 1 } })}
      >
        {adminProductTexts.archiveText}
      </ConfirmDialog>
    </>
  );
}
