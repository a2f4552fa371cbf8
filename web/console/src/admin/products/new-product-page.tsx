import { useShopMutation } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { useNavigate } from "../../unsaved/use-navigate.ts";
import { TextField } from "../../ui/forms/fields.tsx";
import { Form } from "../../ui/forms/form.tsx";
import { showToast } from "../../ui/toast.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { Card } from "../../ui/card.tsx";
import { minorUnitsOf, piecesOf } from "./price-text.ts";
import { faultsOfEntries, ProductFields } from "./edit/product-fields.tsx";
import { AddProductDocument, AdminProductRowsDocument } from "./products.graphql.ts";

const noEntries = { name: "", description: "", price: "", sku: "" };

function check(values: Record<string, string>): Record<string, string> {
  const isNumber = piecesOf(values.stock ?? "") !== undefined;
  return {
    ...faultsOfEntries(values),
    ...(!isNumber && { stock: adminProductTexts.numberInvalid(0) }),
  };
}

/** The form of a new product. */
export default function NewProductPage() {
  const navigate = useNavigate();
  const { mutate, isPending, error } = useShopMutation(AddProductDocument, {
    invalidates: [AdminProductRowsDocument],
    onSuccess({ createProduct }) {
      showToast(adminProductTexts.created(createProduct.name));
      navigate(`/admin/products/${createProduct.id}`);
    },
  });
  const create = (values: Record<string, string>) => {
    const { name = "", description = "", price = "", stock = "", sku = "" } = values;
    const input = {
      name,
      description,
      price: minorUnitsOf(price) ?? 0,
      stock: piecesOf(stock) ?? 0,
      sku: sku.trim() === "" ? undefined : sku,
    };
    mutate({ input });
  };
  return (
    <AdminPage title={adminProductTexts.newTitle}>
      <BackLink href="/admin/products">{adminProductTexts.back}</BackLink>
      <Card title={adminProductTexts.details}>
        <Form
          submitLabel={adminProductTexts.create}
          isPending={isPending}
          error={error}
          check={check}
          onSubmit={create}
        >
          <ProductFields entries={noEntries} />
          <TextField
            name="stock"
            label={adminProductTexts.initialStock}
            defaultValue="0"
            inputMode="numeric"
            isRequired
          />
        </Form>
      </Card>
    </AdminPage>
  );
}
