import { useState } from "react";
import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { errorText } from "../../api/error-text.ts";
import { shop } from "../../api/shop.ts";
import { useShopMutation } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { Button } from "../../ui/button.tsx";
import { Form } from "../../ui/form.tsx";
import { Notice } from "../../ui/states.tsx";
import { Table } from "../../ui/table.tsx";
import { showToast } from "../../ui/toast.tsx";
import { Row } from "../shared/card.tsx";
import { minorUnitsOf, priceText } from "./price-text.ts";
import { faultsOfEntries, ProductFields, type ProductEntries } from "./product-fields.tsx";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeProductDocument,
  type AdminProductFactsFragment,
} from "./products.graphql.ts";
import styles from "./products.module.css";

type Product = AdminProductFactsFragment;

/** The entries of a user that another change has overtaken, and what is saved now. */
interface Conflict {
  entries: ProductEntries;
  saved: Product;
}

function entriesOf({ name, description, price, sku }: Product): ProductEntries {
  return { name, description, price: priceText(price), sku: sku ?? "" };
}

function inputOf({ id }: Product, version: number, entries: ProductEntries) {
  const { price, ...texts } = entries;
  return { id, version, ...texts, price: minorUnitsOf(price) };
}

/**
 * The form of a product. The version on which the entries are based is sent with them, so nobody
 * overwrites the change of another admin unseen.
 */
export function EditProduct({ product }: { product: Product }) {
  // The entries stay when the product is read again, for example after a change of its stock.
  const [base, setBase] = useState(product);
  const [conflict, setConflict] = useState<Conflict>();
  const [entries, setEntries] = useState(() => entriesOf(product));
  const { mutate, isPending, error } = useShopMutation(ChangeProductDocument, {
    invalidates: [AdminProductViewDocument, AdminProductRowsDocument],
    onSuccess({ updateProduct }) {
      showToast(adminProductTexts.saved);
      setConflict(undefined);
      setBase(updateProduct);
      setEntries(entriesOf(updateProduct));
    },
  });
  const save = (typed: ProductEntries, version: number) => {
    mutate(
      { input: inputOf(product, version, typed) },
      {
        onError(reason) {
          if (isShopError(reason, "VERSION_CONFLICT")) void compare(typed);
        },
      },
    );
  };
  const compare = async (typed: ProductEntries) => {
    const { product: saved } = await shop.execute(AdminProductViewDocument, { id: product.id });
    setConflict({ entries: typed, saved });
  };
  const take = (next: ProductEntries, saved: Product) => {
    setBase(saved);
    setEntries(next);
    setConflict(undefined);
  };
  if (conflict) {
    return (
      <ConflictView
        conflict={conflict}
        isPending={isPending}
        error={isShopError(error, "VERSION_CONFLICT") ? null : error}
        onKeep={() => {
          save(conflict.entries, conflict.saved.version);
        }}
        onTake={() => {
          take(entriesOf(conflict.saved), conflict.saved);
        }}
      />
    );
  }
  return (
    <Form
      // Shows what is saved after each saving.
      key={base.version}
      submitLabel={adminProductTexts.save}
      isPending={isPending}
      error={isShopError(error, "VERSION_CONFLICT") ? undefined : error}
      check={faultsOfEntries}
      onSubmit={({ name = "", description = "", price = "", sku = "" }) => {
        save({ name, description, price, sku }, base.version);
      }}
    >
      <ProductFields entries={entries} />
    </Form>
  );
}

interface ConflictViewProps {
  conflict: Conflict;
  isPending: boolean;
  error: unknown;
  onKeep: () => void;
  onTake: () => void;
}

/** Shows both versions of a product that two admins have changed. */
function ConflictView({ conflict, isPending, error, onKeep, onTake }: ConflictViewProps) {
  const saved = entriesOf(conflict.saved);
  const fields = (["name", "description", "price", "sku"] as const).map((field) => ({
    field,
    theirs: saved[field],
    yours: conflict.entries[field],
  }));
  return (
    <>
      <Notice kind="warning">
        <strong>{adminProductTexts.conflictTitle}</strong>
        <div>{adminProductTexts.conflictText}</div>
      </Notice>
      <Table
        caption={adminProductTexts.conflictTitle}
        columns={[
          { title: adminProductTexts.field, cell: ({ field }) => adminProductTexts[field] },
          {
            title: adminProductTexts.theirs,
            cell: ({ theirs }) => <span className={styles.text}>{theirs}</span>,
          },
          {
            title: adminProductTexts.yours,
            cell: ({ theirs, yours }) => (
              <span className={theirs === yours ? styles.text : `${styles.text} ${styles.differs}`}>
                {yours}
              </span>
            ),
          },
        ]}
        rows={fields}
        keyOf={({ field }) => field}
      />
      {error !== null && <Notice kind="danger">{errorText(error)}</Notice>}
      <Row>
        <Button look="primary" isPending={isPending} onPress={onKeep}>
          {adminProductTexts.keepYours}
        </Button>
        <Button onPress={onTake}>{adminProductTexts.takeTheirs}</Button>
      </Row>
    </>
  );
}
