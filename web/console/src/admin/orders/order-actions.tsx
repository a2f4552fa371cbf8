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
  /** The button is in a row of a list, not at the head of the order's page. */
  isSmall?: boolean;
}

/** The buttons for what can be done with an order in its status. */
export function OrderActions(props: ActionProps) {
  const { status } = props.order;
  if (status === "SHIPPED") return <CompleteButton {...props} />;
  if (status !== "PLACED") return null;
  // On a page, the main action is the last one.
  return props.isSmall === true ? (
    <>
      <ShipButton {...props} />
      <CancelButton {...props} />
    </>
  ) : (
    <>
      <CancelButton {...props} />
      <ShipButton {...props} />
    </>
  );
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
function ShipButton({ order: { id, number }, isSmall = false }: ActionProps) {
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
        isSmall={isSmall}
        look={isSmall ? "secondary" : "primary"}
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

function CompleteButton({ order: { id, number }, isSmall = false }: ActionProps) {
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
        isSmall={isSmall}
        look={isSmall ? "secondary" : "primary"}
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

function CancelButton({ order: { id, number }, isSmall = false }: ActionProps) {
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
        isSmall={isSmall}
        look={isSmall ? "quiet" : "secondary"}
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
