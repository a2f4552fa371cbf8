import { createContext, use } from "react";
import { CheckCheck, Truck } from "lucide-react";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { orderTexts } from "../../texts/orders.ts";
import { Button } from "../../ui/actions/button.tsx";
import type { AskedOrder, OrderAction } from "./order-dialog.tsx";

interface ActionProps {
  order: AskedOrder;
  /** The button is in a row of a list, not at the head of the order's page. */
  isSmall?: boolean;
}

/** Opens the dialog of the page that asks before an action. */
export const AskBefore = createContext<(action: OrderAction, order: AskedOrder) => void>(() => {
  throw new Error("The page of an order's buttons has no dialog for them.");
});

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

function ShipButton({ order, isSmall = false }: ActionProps) {
  const ask = use(AskBefore);
  return (
    <Button
      {...nextStep(isSmall)}
      aria-label={adminOrderTexts.shipNamed(order.number)}
      onPress={() => {
        ask("ship", order);
      }}
    >
      <Truck size={15} aria-hidden /> {adminOrderTexts.ship}
    </Button>
  );
}

function CompleteButton({ order, isSmall = false }: ActionProps) {
  const ask = use(AskBefore);
  return (
    <Button
      {...nextStep(isSmall)}
      aria-label={`${adminOrderTexts.complete}: ${orderTexts.orderTitle(order.number)}`}
      onPress={() => {
        ask("complete", order);
      }}
    >
      <CheckCheck size={15} aria-hidden /> {adminOrderTexts.complete}
    </Button>
  );
}

function CancelButton({ order, isSmall = false }: ActionProps) {
  const ask = use(AskBefore);
  return (
    <Button
      isSmall={isSmall}
      look={isSmall ? "quiet" : "secondary"}
      aria-label={`${orderTexts.cancel}: ${orderTexts.orderTitle(order.number)}`}
      onPress={() => {
        ask("cancel", order);
      }}
    >
      {orderTexts.cancel}
    </Button>
  );
}
