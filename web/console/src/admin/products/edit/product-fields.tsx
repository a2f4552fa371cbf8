import { adminProductTexts } from "../../../texts/admin/products.ts";
import { TextField } from "../../../ui/forms/fields.tsx";
import { minorUnitsOf } from "../price-text.ts";
import type { ProductEntries } from "./product-edits.ts";

/** Returns what is wrong with the entries of a form, by the names of the fields. */
export function faultsOfEntries({ price = "" }: Record<string, string>): Record<string, string> {
  return minorUnitsOf(price) === undefined ? { price: adminProductTexts.priceInvalid } : {};
}

/** The fields that a new product and a changed one have in common. */
export function ProductFields({ entries }: { entries: ProductEntries }) {
  return (
    <>
      <TextField
        name="name"
        label={adminProductTexts.name}
        defaultValue={entries.name}
        isRequired
      />
      <TextField
        name="description"
        label={adminProductTexts.description}
        defaultValue={entries.description}
        isLong
      />
      <TextField
        name="price"
        label={adminProductTexts.price}
        description={adminProductTexts.priceHint}
        defaultValue={entries.price}
        inputMode="decimal"
        isRequired
      />
      <TextField
        name="sku"
        label={adminProductTexts.sku}
        description={adminProductTexts.skuHint}
        defaultValue={entries.sku}
      />
    </>
  );
}
