import { CheckCheck, Truck } from "lucide-react";
import { useShopMutation } from "../../api/use-shop.ts";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { orderTexts } from "../../texts/orders.ts";
import { Button } from "../../ui/actions/button.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { Dialog, useDialog } from "../../ui/actions/dialog.tsx";
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

type Order = Pick<AdminOrderRowFragment, "id" | "number" | "status">;

const invalidates = [AdminOrderRowsDocument, AdminOrderViewDocument];

/** The buttons for what can be done with an order in its status. */
export function OrderActions({ order }: { order: Order }) {
  if (order.status === "SHIPPED") return <CompleteButton order={order} />;
  if (order.status !== "PLACED") return null;
  return (
    <>
      <ShipButton order={order} />
      <CancelButton order={order} />
    </>
  );
}

/** Asks for the tracking text and ships an order. */
function ShipButton({ order: { id, number } }: { order: Order }) {
  const { open, ...dialog } = useDialog();
  const { mutate, isPending, error } = useShopMutation(AdminShipOrderDocument, {
    invalidates,
    onSuccess() {
      dialog.onClose();
      showToast(adminOrderTexts.shipped(number));
    },
  });
  return (
    <>
      <Button isSmall onPress={open} aria-label={adminOrderTexts.shipNamed(number)}>
        <Truck size={15} aria-hidden /> {adminOrderTexts.ship}
      </Button>
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
    </>
  );
}

function CompleteButton({ order: { id, number } }: { order: Order }) {
  const { mutateAsync } = useShopMutation(AdminCompleteOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(adminOrderTexts.completed(number));
    },
  });
  return (
    <ConfirmButton
      isSmall
      label={adminOrderTexts.complete}
      subject={orderTexts.orderTitle(number)}
      icon={<CheckCheck size={15} aria-hidden />}
      onConfirm={() => mutateAsync({ id })}
    >
      {adminOrderTexts.completeText}
    </ConfirmButton>
  );
}

function CancelButton({ order: { id, number } }: { order: Order }) {
  const { mutateAsync } = useShopMutation(AdminCancelOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(orderTexts.cancelled);
    },
  });
  return (
    <ConfirmButton
      isSmall
      look="quiet"
      label={orderTexts.cancel}
      subject={orderTexts.orderTitle(number)}
      onConfirm={() => mutateAsync({ id })}
    >
      {orderTexts.cancelText}
    </ConfirmButton>
  );
}
