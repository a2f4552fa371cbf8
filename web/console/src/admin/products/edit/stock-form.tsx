import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { ShopError } from "../../../../../../clients/typescript/src/index.ts";
import type { MutationSender } from "../../../api/mutation-sender.ts";
import { invalidate, useMutationSender, useSingleMutation } from "../../../api/use-shop.ts";
import { adminProductTexts } from "../../../texts/admin/products.ts";
import { SelectField, TextField } from "../../../ui/forms/fields.tsx";
import { Form } from "../../../ui/forms/form.tsx";
import { showToast } from "../../../ui/toast.tsx";
import { piecesOf } from "../price-text.ts";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeStockDocument,
  LowStockRowsDocument,
  SetStockDocument,
} from "../products.graphql.ts";

/** The types of `updateInventory`. */
export const inventoryChange = { add: 1, subtract: 2, remove: 3 } as const;

const modes = ["add", "subtract", "set"] as const;
type Mode = (typeof modes)[number];

interface StockChange {
  id: string;
  mode: Mode;
  number: number;
}

/** Changes the stock. Throws the error of the shop, also that of the item of the batch. */
async function changeStock(
  sender: MutationSender,
  { id, mode, number }: StockChange,
): Promise<void> {
  if (mode !== "set") {
    const type = inventoryChange[mode];
    await sender.send(ChangeStockDocument, { input: { id, type, number } });
    return;
  }
  const changes = [{ id, stock: number }];
  const { updateInventories } = await sender.send(SetStockDocument, { input: { changes } });
  const rejection = updateInventories.results[0]?.error;
  if (!rejection) return;
  const fields = rejection.fields?.map(({ message }) => ({ field: "number", message }));
  throw new ShopError(rejection.code, rejection.message, { details: { fields: fields ?? [] } });
}

function faultsOf(mode: Mode, { number = "" }: Record<string, string>): Record<string, string> {
  const min = mode === "set" ? 0 : 1;
  const pieces = piecesOf(number) ?? -1;
  return pieces < min ? { number: adminProductTexts.numberInvalid(min) } : {};
}

/** Adds pieces, subtracts pieces, or sets the number of pieces after a count. */
export function StockForm({ id }: { id: string }) {
  const client = useQueryClient();
  const [mode, setMode] = useState<Mode>("add");
  const [savings, setSavings] = useState(0);
  const sender = useMutationSender();
  const { mutate, isPending, error } = useSingleMutation({
    mutationFn: (change: StockChange) => changeStock(sender, change),
    onSuccess() {
      showToast(adminProductTexts.stockChanged);
      setSavings((count) => count + 1);
    },
    // A rejection means that the page shows a stock of earlier.
    async onSettled() {
      await invalidate(client, [
        AdminProductViewDocument,
        AdminProductRowsDocument,
        LowStockRowsDocument,
      ]);
    },
  });
  return (
    <Form
      // Empties the field.
      key={savings}
      submitLabel={adminProductTexts.changeStock}
      isPending={isPending}
      error={error}
      check={(values) => faultsOf(mode, values)}
      onSubmit={({ number = "" }) => {
        mutate({ id, mode, number: piecesOf(number) ?? 0 });
      }}
    >
      <SelectField
        label={adminProductTexts.stockMode}
        value={mode}
        options={modes.map((value) => ({ value, text: adminProductTexts.stockModes[value] }))}
        onChange={setMode}
      />
      <TextField name="number" label={adminProductTexts.number} inputMode="numeric" isRequired />
    </Form>
  );
}
