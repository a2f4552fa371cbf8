import { useState } from "react";
import { CheckCheck, Truck } from "lucide-react";
import { useShopMutation } from "../../api/use-shop.ts";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { orderTexts } from "../../texts/orders.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog, Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/fields.tsx";
import { Form } from "../../ui/form.tsx";
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

interface ActionProps {
  order: Order;
  /** Whether the order has the page for itself: then its next step is the main action. */
  isWholePage?: boolean;
}

/** The buttons for what can be done with an order in its status. */
export function OrderActions({ order, isWholePage = false }: ActionProps) {
  if (order.status === "SHIPPED") {
    return <CompleteButton order={order} isWholePage={isWholePage} />;
  }
  if (order.status !== "PLACED") return null;
  return (
    <>
      <ShipButton order={order} isWholePage={isWholePage} />
      <CancelButton order={order} isWholePage={isWholePage} />
    </>
  );
}

/** The look of the button for the next step of an order. */
function nextStep(isWholePage: boolean): { isSmall: boolean; look: "primary" | "secondary" } {
  return isWholePage ? { isSmall: false, look: "primary" } : { isSmall: true, look: "secondary" };
}

/** A dialog's state: whether it is open, and what opens and closes it. */
function useDialog() {
  const [isOpen, setOpen] = useState(false);
  const open = () => {
    setOpen(true);
  };
  const close = () => {
    setOpen(false);
  };
  return { isOpen, open, close };
}

/** Asks for the tracking text and ships an order. */
function ShipButton({ order: { id, number }, isWholePage = false }: ActionProps) {
  const { isOpen, open, close } = useDialog();
  const { mutate, isPending, error } = useShopMutation(AdminShipOrderDocument, {
    invalidates,
    onSuccess() {
      close();
      showToast(adminOrderTexts.shipped(number));
    },
  });
  return (
    <>
      <Button
        {...nextStep(isWholePage)}
        onPress={open}
        aria-label={adminOrderTexts.shipNamed(number)}
      >
        <Truck size={15} aria-hidden /> {adminOrderTexts.ship}
      </Button>
      <Dialog title={adminOrderTexts.shipNamed(number)} isOpen={isOpen} onClose={close}>
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

function CompleteButton({ order: { id, number }, isWholePage = false }: ActionProps) {
  const { isOpen, open, close } = useDialog();
  const { mutateAsync } = useShopMutation(AdminCompleteOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(adminOrderTexts.completed(number));
    },
  });
  return (
    <>
      <Button
        {...nextStep(isWholePage)}
        onPress={open}
        aria-label={`${adminOrderTexts.complete}: ${orderTexts.orderTitle(number)}`}
      >
        <CheckCheck size={15} aria-hidden /> {adminOrderTexts.complete}
      </Button>
      <ConfirmDialog
        title={orderTexts.orderTitle(number)}
        confirmLabel={adminOrderTexts.complete}
        isOpen={isOpen}
        onClose={close}
        onConfirm={() => mutateAsync({ id })}
      >
        {adminOrderTexts.completeText}
      </ConfirmDialog>
    </>
  );
}

function CancelButton({ order: { id, number }, isWholePage = false }: ActionProps) {
  const { isOpen, open, close } = useDialog();
  const { mutateAsync } = useShopMutation(AdminCancelOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(orderTexts.cancelled);
    },
  });
  return (
    <>
      <Button
        isSmall={!isWholePage}
        look="quiet"
        onPress={open}
        aria-label={`${orderTexts.cancel}: ${orderTexts.orderTitle(number)}`}
      >
        {orderTexts.cancel}
      </Button>
      <ConfirmDialog
        title={orderTexts.orderTitle(number)}
        confirmLabel={orderTexts.cancel}
        isOpen={isOpen}
        onClose={close}
        onConfirm={() => mutateAsync({ id })}
      >
        {orderTexts.cancelText}
      </ConfirmDialog>
    </>
  );
}
