import { basketTexts } from "../texts/basket.ts";
import { Button } from "../ui/actions/button.tsx";
import { Notice } from "../ui/states.tsx";

interface ShortageNoticeProps {
  /** The pieces that can be ordered. */
  left: number;
  onReduce: (quantity: number) => void;
}

/** Says that fewer pieces are left than were entered, and offers those. */
export function ShortageNotice({ left, onReduce }: ShortageNoticeProps) {
  const action = (
    <Button
      isSmall
      onPress={() => {
        onReduce(left);
      }}
    >
      {basketTexts.reduce(left)}
    </Button>
  );
  return (
    <Notice kind="warning" action={action}>
      {basketTexts.shortage(left)}
    </Notice>
  );
}
