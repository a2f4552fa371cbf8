import { Link } from "wouter";
import { lostReason } from "../api/error-text.ts";
import { basketTexts } from "../texts/basket.ts";
import { Notice } from "../ui/states.tsx";
import type { LostOrder } from "./checkout-attempt.ts";

interface LostOrderNoticeProps {
  lost: LostOrder;
  /** The error of the last request; null after a reload. */
  error: unknown;
}

/** Says that the order of the basket got no answer. It takes the place of the error, which it names. */
export function LostOrderNotice({ lost, error }: LostOrderNoticeProps) {
  return (
    <Notice kind="warning" action={<Link href="/orders">{basketTexts.toOrders}</Link>}>
      {lostReason(error)} {basketTexts.lost[lost]}
    </Notice>
  );
}
