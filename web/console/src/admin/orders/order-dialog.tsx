import { useState } from "react";
import { useShopMutation } from "../../api/use-shop.ts";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { orderTexts } from "../../texts/orders.ts";
import { ConfirmDialog, Dialog, useDialog, useFailureToast } from "../../ui/actions/dialog.tsx";
import { TextField } from "../../ui/forms/fields.tsx";
import { Form } from "../../ui/forms/form.tsx";
import { showToast } from "../../ui/toast.tsx";
import {
  AdminCancelOrderDocument,
  AdminCompleteOrderDocument,
  AdminOrderRowsDocument,
  AdminOrderViewDocument,
  AdminShipOrderDocument,
  type AdminOrderRowFragment,
} from "./admin-orders.graphql.ts";

export type AskedOrder = Pick<AdminOrderRowFragment, "id" | "number" | "status">;
export type OrderAction = "ship" | "complete" | "cancel";

interface Question {
  action: OrderAction;
  order: AskedOrder;
  /** Tells a dialog from the one before it, whose error it does not show. */
  count: number;
}

interface OrderDialogProps {
  question: Question | undefined;
  isOpen: boolean;
  onClose: () => void;
}

interface ActionDialogProps {
  order: AskedOrder;
  isOpen: boolean;
  onClose: () => void;
}

const invalidates = [AdminOrderRowsDocument, AdminOrderViewDocument];

/** Returns the state of the dialog that asks before an action, and the function that opens it. */
export function useOrderDialog() {
  const { open, ...dialog } = useDialog();
  const [question, setQuestion] = useState<Question>();
  const ask = (action: OrderAction, order: AskedOrder) => {
    setQuestion((last) => ({ action, order, count: (last?.count ?? 0) + 1 }));
    open();
  };
  return { ask, dialog: { ...dialog, question } };
}

/**
 * The dialog that asks before an action. It belongs to the page: a dialog in the row of a list would be
 * gone, with what was typed, when another order takes the place or the order changes.
 */
export function OrderDialog({ question, ...dialog }: OrderDialogProps) {
  if (question === undefined) return null;
  const { action, order, count } = question;
  const ActionDialog = dialogs[action];
  return <ActionDialog key={count} order={order} {...dialog} />;
}

const dialogs = { ship: ShipDialog, complete: CompleteDialog, cancel: CancelDialog };

/** Asks for the tracking text and ships an order. */
function ShipDialog({ order: { id, number }, ...dialog }: ActionDialogProps) {
  const { mutate, isPending, error } = useShopMutation(AdminShipOrderDocument, {
    invalidates,
    onSuccess() {
      dialog.onClose();
      showToast(adminOrderTexts.shipped(number));
    },
  });
  useFailureToast(error, dialog.isOpen);
  return (
    <Dialog {...dialog} title={adminOrderTexts.shipNamed(number)}>
      <Form
        submitLabel={adminOrderTexts.ship}
        isPending={isPending}
        error={error}
        onSubmit={({ tracking = "" }) => {
          const text = tracking.trim();
          mutate({ input: { id, tracking: text === "" ? undefined : text } });
        }}
      >
        <TextField
          name="tracking"
          label={adminOrderTexts.tracking}
          description={adminOrderTexts.trackingHint}
        />
      </Form>
    </Dialog>
  );
}

function CompleteDialog({ order: { id, number }, ...dialog }: ActionDialogProps) {
  const { mutateAsync } = useShopMutation(AdminCompleteOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(adminOrderTexts.completed(number));
    },
  });
  return (
    <ConfirmDialog
      {...dialog}
      title={orderTexts.orderTitle(number)}
      confirmLabel={adminOrderTexts.complete}
      onConfirm={() => mutateAsync({ id })}
    >
      {adminOrderTexts.completeText}
    </ConfirmDialog>
  );
}

function CancelDialog({ order: { id, number }, ...dialog }: ActionDialogProps) {
  const { mutateAsync } = useShopMutation(AdminCancelOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(orderTexts.cancelled);
    },
  });
  return (
    <ConfirmDialog
      {...dialog}
      title={orderTexts.cancelTitle(number)}
      confirmLabel={orderTexts.cancel}
      onConfirm={() => mutateAsync({ id })}
    >
      {orderTexts.cancelText}
    </ConfirmDialog>
  );
}
