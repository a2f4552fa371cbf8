import { useState } from "react";
import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { errorText } from "../../api/error-text.ts";
import { shop } from "../../api/shop.ts";
import { useShopMutation } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { Form } from "../../ui/form.tsx";
import { showToast } from "../../ui/toast.tsx";
import { ProductConflict, type Conflict } from "./product-conflict.tsx";
import { editsOf, entriesOf, inputOf, type ProductEntries } from "./product-edits.ts";
import { faultsOfEntries, ProductFields } from "./product-fields.tsx";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeProductDocument,
  type AdminProductFactsFragment,
} from "./products.graphql.ts";

type Product = AdminProductFactsFragment;

/**
 * The form of a product. It sends what the user has edited, and the version on which the entries are
 * based, so nobody overwrites the change of another admin unseen.
 */
export function EditProduct({ product }: { product: Product }) {
  // The entries stay when the product is read again, for example after a change of its stock.
  const [base, setBase] = useState(product);
  const [conflict, setConflict] = useState<Conflict>();
  const { mutate, isPending, error } = useShopMutation(ChangeProductDocument, {
    invalidates: [AdminProductViewDocument, AdminProductRowsDocument],
    onSuccess({ updateProduct }) {
      showToast(adminProductTexts.saved);
      setConflict(undefined);
      setBase(updateProduct);
    },
  });
  const save = (edits: Partial<ProductEntries>, version: number) => {
    mutate(
      { input: inputOf({ id: product.id, version }, edits) },
      {
        onError(reason) {
          if (isShopError(reason, "VERSION_CONFLICT")) void compare(edits);
        },
      },
    );
  };
  const compare = async (edits: Partial<ProductEntries>) => {
    try {
      const { product: saved } = await shop.execute(AdminProductViewDocument, { id: product.id });
      setConflict({ edits, saved });
    } catch (reason) {
      // The entries stay in the form, so that the user can save again.
      showToast(errorText(reason));
    }
  };
  const ownError = isShopError(error, "VERSION_CONFLICT") ? null : error;
  if (conflict) {
    return (
      <ProductConflict
        key={conflict.saved.version}
        conflict={conflict}
        isPending={isPending}
        error={ownError}
        onSave={(edits) => {
          save(edits, conflict.saved.version);
        }}
        onDiscard={() => {
          setBase(conflict.saved);
          setConflict(undefined);
        }}
      />
    );
  }
  const entries = entriesOf(base);
  return (
    <Form
      // Shows what is saved after each saving.
      key={base.version}
      submitLabel={adminProductTexts.save}
      isPending={isPending}
      error={ownError}
      check={faultsOfEntries}
      onSubmit={({ name = "", description = "", price = "", sku = "" }) => {
        const edits = editsOf({ name, description, price, sku }, entries);
        if (Object.keys(edits).length > 0) save(edits, base.version);
        else showToast(adminProductTexts.nothingToSave);
      }}
    >
      <ProductFields entries={entries} />
    </Form>
  );
}
