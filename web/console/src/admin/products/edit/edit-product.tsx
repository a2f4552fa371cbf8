import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { isShopError } from "../../../../../../clients/typescript/src/index.ts";
import { keyOf } from "../../../api/documents.ts";
import { errorText } from "../../../api/error-text.ts";
import { shop } from "../../../api/shop.ts";
import { useShopMutation } from "../../../api/use-shop.ts";
import { adminProductTexts } from "../../../texts/admin/products.ts";
import { useUnsavedEdits } from "../../../unsaved/unsaved-edits.ts";
import { Form } from "../../../ui/forms/form.tsx";
import { showToast } from "../../../ui/toast.tsx";
import { ProductConflict, type Conflict } from "./product-conflict.tsx";
import { editsOf, entriesOf, inputOf, type ProductEntries } from "./product-edits.ts";
import { faultsOfEntries, ProductFields } from "./product-fields.tsx";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeProductDocument,
  type AdminProductFactsFragment,
} from "../products.graphql.ts";

type Product = AdminProductFactsFragment;

/** The initial state of the form. */
interface FormStart {
  /** The saved product on which the entries are based. */
  base: Product;
  /** Edits that are not saved yet. */
  kept: Partial<ProductEntries>;
}

/**
 * The form of a product. It sends what the user has edited, and the version on which the entries are
 * based, so nobody overwrites the change of another admin unseen.
 */
export function EditProduct({ product }: { product: Product }) {
  const { start, conflict, isPending, error, save, discard } = useProductEdits(product);
  if (conflict) {
    return (
      <ProductConflict
        key={conflict.saved.version}
        conflict={conflict}
        isPending={isPending}
        error={error}
        onSave={save}
        onDiscard={discard}
      />
    );
  }
  const entries = entriesOf(start.base);
  return (
    <Form
      // Shows what is saved after each saving.
      key={start.base.version}
      submitLabel={adminProductTexts.save}
      isPending={isPending}
      error={error}
      check={faultsOfEntries}
      onSubmit={({ name = "", description = "", price = "", sku = "" }) => {
        const edits = editsOf({ name, description, price, sku }, entries);
        if (Object.keys(edits).length > 0) save(edits);
        else showToast(adminProductTexts.nothingToSave);
      }}
    >
      <ProductFields entries={{ ...entries, ...start.kept }} />
    </Form>
  );
}

/**
 * Saves the edits of a product. If another change has overtaken them, returns both as a conflict, until
 * the user saves a choice or discards the edits.
 */
function useProductEdits(product: Product) {
  const client = useQueryClient();
  // The entries stay when the product is read again, for example after a change of its stock.
  const [start, setStart] = useState<FormStart>({ base: product, kept: {} });
  const [conflict, setConflict] = useState<Conflict>();
  useUnsavedEdits(() => Object.keys(start.kept).length > 0);
  const beginWith = (next: FormStart) => {
    setStart(next);
    setConflict(undefined);
  };
  const { mutate, isPending, error } = useShopMutation(ChangeProductDocument, {
    invalidates: [AdminProductViewDocument, AdminProductRowsDocument],
    onSuccess({ updateProduct }) {
      showToast(adminProductTexts.saved);
      beginWith({ base: updateProduct, kept: {} });
    },
  });
  const compare = async (edits: Partial<ProductEntries>) => {
    try {
      const variables = { id: product.id };
      const read = await shop.execute(AdminProductViewDocument, variables);
      // The rest of the page must not show the version that was overtaken.
      client.setQueryData(keyOf(AdminProductViewDocument, variables), read);
      setConflict({ edits, saved: read.product });
    } catch (reason) {
      // The entries stay in the form, so that the user can save again.
      showToast(errorText(reason));
    }
  };
  const base = conflict?.saved ?? start.base;
  const save = (edits: Partial<ProductEntries>) => {
    mutate(
      { input: inputOf({ id: product.id, version: base.version }, edits) },
      {
        onError(reason) {
          if (isShopError(reason, "VERSION_CONFLICT")) void compare(edits);
          else if (conflict && isShopError(reason, "SKU_TAKEN", "BAD_USER_INPUT")) {
            // The user can correct the value only in its field.
            beginWith({ base, kept: edits });
          }
        },
      },
    );
  };
  const discard = () => {
    beginWith({ base, kept: {} });
  };
  const ownError = isShopError(error, "VERSION_CONFLICT") ? null : error;
  return { start, conflict, isPending, error: ownError, save, discard };
}
