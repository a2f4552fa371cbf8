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

/** The look of the button for the next step of an order. */
function nextStep(isSmall: boolean): { isSmall: boolean; look: "primary" | "secondary" } {
  return { isSmall, look: isSmall ? "secondary" : "primary" };
}

/** Asks for the tracking text and ships an order. */
function ShipButton({ order: { id, number }, isSmall = false }: ActionProps) {
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
      <Button {...nextStep(isSmall)} onPress={open} aria-label={adminOrderTexts.shipNamed(number)}>
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

function CompleteButton({ order: { id, number }, isSmall = false }: ActionProps) {
  const { mutateAsync } = useShopMutation(AdminCompleteOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(adminOrderTexts.completed(number));
    },
  });
  return (
    <ConfirmButton
      {...nextStep(isSmall)}
      label={adminOrderTexts.complete}
      subject={orderTexts.orderTitle(number)}
      icon={<CheckCheck size={15} aria-hidden />}
      onConfirm={() => mutateAsync({ id })}
    >
      {adminOrderTexts.completeText}
    </ConfirmButton>
  );
}

function CancelButton({ order: { id, number }, isSmall = false }: ActionProps) {
  const { mutateAsync } = useShopMutation(AdminCancelOrderDocument, {
    invalidates,
    onSuccess() {
      showToast(orderTexts.cancelled);
    },
  });
  return (
    <ConfirmButton
      isSmall={isSmall}
      look={isSmall ? "quiet" : "secondary"}
      label={orderTexts.cancel}
      subject={orderTexts.orderTitle(number)}
      onConfirm={() => mutateAsync({ id })}
    >
      {orderTexts.cancelText}
    </ConfirmButton>
  );
}
