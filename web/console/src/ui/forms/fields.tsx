import { use, useId, type ChangeEvent, type ReactNode } from "react";
import { CheckboxButton, CheckboxField } from "react-aria-components/Checkbox";
import { FieldError } from "react-aria-components/FieldError";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { Text } from "react-aria-components/Text";
import { TextArea } from "react-aria-components/TextArea";
import { TextField as AriaTextField, type TextFieldProps } from "react-aria-components/TextField";
import { Check } from "lucide-react";
import { fieldText } from "../../api/error-text.ts";
import { FormErrors } from "./form-errors.ts";
import { FormPending } from "./form-pending.ts";
import styles from "./fields.module.css";

interface FieldProps extends Omit<TextFieldProps, "className" | "style" | "children"> {
  label: string;
  description?: string;
  placeholder?: string;
  /** Several lines. */
  isLong?: boolean;
  /** What is wrong with the value, in a field without a form. */
  error?: string | undefined;
}

/** A field for text, with its label, its hint and the error of its value. */
export function TextField(field: FieldProps) {
  const { label, description, placeholder, isLong, error: ownError, ...props } = field;
  const error = use(FormErrors)[props.name ?? ""] ?? ownError;
  return (
    <AriaTextField
      {...props}
      className={styles.field ?? ""}
      validationBehavior="aria"
      isInvalid={error !== undefined}
      isReadOnly={use(FormPending)}
    >
      <Label className={styles.label ?? ""}>{label}</Label>
      {isLong === true ? (
        <TextArea className={styles.input ?? ""} rows={4} placeholder={placeholder} />
      ) : (
        <Input className={styles.input ?? ""} placeholder={placeholder} />
      )}
      {description !== undefined && (
        <Text slot="description" className={styles.description ?? ""}>
          {description}
        </Text>
      )}
      <FieldError className={styles.error ?? ""}>{error && fieldText(error, label)}</FieldError>
    </AriaTextField>
  );
}

interface SelectFieldProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly { value: Value; text: string }[];
  onChange: (value: Value) => void;
}

/** A choice. The browser's own list is the best one on phones, by keyboard and by screen reader. */
export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { label, value, options, onChange } = props;
  const id = useId();
  const change = (event: ChangeEvent<HTMLSelectElement>) => {
    onChange(event.target.value as Value);
  };
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      <select id={id} className={styles.input} value={value} onChange={change}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface CheckboxProps {
  isSelected: boolean;
  onChange: (isSelected: boolean) => void;
  children: ReactNode;
}

export function Checkbox({ children, ...props }: CheckboxProps) {
  return (
    <CheckboxField {...props} isReadOnly={use(FormPending)}>
      <CheckboxButton className={styles.checkbox ?? ""}>
        <span className={styles.box} aria-hidden>
          <Check size={14} strokeWidth={3} />
        </span>
        {children}
      </CheckboxButton>
    </CheckboxField>
  );
}
