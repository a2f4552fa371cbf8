import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { shop } from "../../api/shop.ts";
import { invalidate, useSingleMutation } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { SelectField, TextField } from "../../ui/fields.tsx";
import { Form } from "../../ui/form.tsx";
import { Notice } from "../../ui/states.tsx";
import { showToast } from "../../ui/toast.tsx";
import { piecesOf } from "./price-text.ts";
import {
  AdminProductRowsDocument,
  AdminProductViewDocument,
  ChangeStockDocument,
  LowStockRowsDocument,
  SetStockDocument,
} from "./products.graphql.ts";

/** The types of `updateInventory`. */
export const inventoryChange = { add: 1, subtract: 2, remove: 3 } as const;

const modes = ["add", "subtract", "set"] as const;
type Mode = (typeof modes)[number];

interface StockChange {
  id: string;
  mode: Mode;
  number: number;
}

/** Changes the stock. Returns the message of the shop if it rejected the item of the batch. */
async function changeStock({ id, mode, number }: StockChange): Promise<string | undefined> {
  if (mode !== "set") {
    const type = inventoryChange[mode];
    await shop.execute(ChangeStockDocument, { input: { id, type, number } });
    return undefined;
  }
  const changes = [{ id, stock: number }];
  const { updateInventories } = await shop.execute(SetStockDocument, { input: { changes } });
  return updateInventories.results[0]?.error?.message;
}

function faultsOf(mode: Mode, { number = "" }: Record<string, string>): Record<string, string> {
  const pieces = piecesOf(number);
  if (pieces === undefined) return { number: adminProductTexts.numberInvalid };
  if (pieces === 0 && mode !== "set") return { number: adminProductTexts.numberZero };
  return {};
}

/** Adds pieces, subtracts pieces, or sets the number of pieces after a count. */
export function StockForm({ id }: { id: string }) {
  const client = useQueryClient();
  const [mode, setMode] = useState<Mode>("add");
  const [savings, setSavings] = useState(0);
  const { mutate, isPending, error, data } = useSingleMutation({
    mutationFn: changeStock,
    async onSuccess(rejection) {
      if (rejection === undefined) {
        showToast(adminProductTexts.stockChanged);
        setSavings((count) => count + 1);
      }
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
      {data !== undefined && <Notice kind="danger">{data}</Notice>}
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
