import { useEffect, useRef, useState } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Group } from "react-aria-components/Group";
import { Input } from "react-aria-components/Input";
import { NumberField } from "react-aria-components/NumberField";
import { Minus, Plus } from "lucide-react";
import { commonTexts } from "../../texts/common.ts";
import styles from "./fields.module.css";

interface QuantityFieldProps {
  label: string;
  value: number;
  onChange: (value: number) => void;
}

const min = 1;
const wholeNumbers = { useGrouping: false, maximumFractionDigits: 0 };

/** Returns true for a text whose number the field keeps. */
function isQuantity(text: string): boolean {
  return /^\d+$/.test(text.trim()) && Number(text) >= min;
}

/**
 * A field for a number of pieces, with buttons for one more and one less. It says when it does not take
 * what was typed. It has no maximum: the page around it says how many pieces are left, and offers them.
 */
export function QuantityField({ label, value, onChange }: QuantityFieldProps) {
  const [isCorrected, setCorrected] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  // The field does not take other characters. React has no event of what it prevents.
  useEffect(() => {
    const refused = ({ data }: InputEvent) => {
      if (/\D/.test(data ?? "")) setCorrected(true);
    };
    const field = input.current;
    field?.addEventListener("beforeinput", refused);
    return () => field?.removeEventListener("beforeinput", refused);
  }, []);
  const judge = ({ value: typed }: { value: string }) => {
    if (!isQuantity(typed)) setCorrected(true);
  };
  const change = (next: number) => {
    // An emptied field is no number.
    onChange(Number.isNaN(next) ? min : next);
  };
  return (
    <NumberField
      className={styles.quantityField ?? ""}
      aria-label={label}
      value={value}
      minValue={min}
      step={1}
      // Otherwise, 1,5 would be 15.
      formatOptions={wholeNumbers}
      onChange={change}
    >
      <Group className={styles.quantity ?? ""}>
        <AriaButton slot="decrement" className={styles.step ?? ""}>
          <Minus size={16} aria-hidden />
        </AriaButton>
        <Input
          className={styles.number ?? ""}
          ref={input}
          // Before the field replaces what was typed.
          onBlurCapture={(event) => {
            judge(event.currentTarget);
          }}
          onKeyDownCapture={(event) => {
            if (event.key === "Enter") judge(event.currentTarget);
          }}
          onInput={() => {
            setCorrected(false);
          }}
        />
        <AriaButton slot="increment" className={styles.step ?? ""}>
          <Plus size={16} aria-hidden />
        </AriaButton>
      </Group>
      <span aria-live="polite" className={styles.error}>
        {isCorrected && commonTexts.quantityCorrected(value)}
      </span>
    </NumberField>
  );
}
