import { useEffect, useRef, useState, type ReactNode, type SyntheticEvent } from "react";
import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { errorText } from "../api/error-text.ts";
import { commonTexts } from "../texts/common.ts";
import { Button } from "./button.tsx";
import { FormErrors } from "./form-errors.ts";
import { Notice } from "./states.tsx";
import styles from "./form.module.css";

interface FormProps {
  /** Gets the values of the fields by their names. */
  onSubmit: (values: Record<string, string>) => void;
  /** Returns messages about values that the shop cannot judge, by the names of the fields. */
  check?: (values: Record<string, string>) => Record<string, string>;
  submitLabel: string;
  isPending: boolean;
  /** The error of the mutation. An error of a field is shown at the field. */
  error: unknown;
  children: ReactNode;
}

/**
 * A form with one button. The shop checks the values. Errors stay at the fields until the form is sent
 * again: if they went when a field changes, the button would move away from under the pointer. The first
 * field with an error gets the focus.
 */
export function Form({ onSubmit, check, submitLabel, isPending, error, children }: FormProps) {
  const [faults, setFaults] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-fault]')?.focus();
  }, [faults, error]);
  const submit = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isPending) return;
    const entries = [...new FormData(event.currentTarget)].map(([name, value]) => [
      name,
      typeof value === "string" ? value : "",
    ]);
    const values = Object.fromEntries(entries) as Record<string, string>;
    const found = { ...emptyFieldsOf(event.currentTarget), ...check?.(values) };
    setFaults(found);
    if (Object.keys(found).length === 0) onSubmit(values);
  };
  const fieldErrors = { ...fieldErrorsOf(error), ...faults };
  const isOfField = Object.keys(fieldErrors).length > 0;
  return (
    <form ref={form} className={styles.form} onSubmit={submit} noValidate>
      <FormErrors value={fieldErrors}>
        {error !== null && error !== undefined && !isOfField && (
          <Notice kind="danger">{errorText(error)}</Notice>
        )}
        {children}
        <Button type="submit" look="primary" isPending={isPending}>
          {submitLabel}
        </Button>
      </FormErrors>
    </form>
  );
}

/** Returns messages about the required fields that are empty, by their names. */
function emptyFieldsOf(form: HTMLFormElement): Record<string, string> {
  const required = form.querySelectorAll<HTMLInputElement>('[aria-required="true"], [required]');
  const empty = [...required].filter(({ value }) => value.trim() === "");
  return Object.fromEntries(empty.map(({ name }) => [name, commonTexts.fieldRequired]));
}

/** Returns the messages of BAD_USER_INPUT by the names of the fields: `input.email` is `email`. */
function fieldErrorsOf(error: unknown): Record<string, string> {
  if (!isShopError(error)) return {};
  const named = error.fields.map(({ field, message }) => [field.split(".").at(-1), message]);
  return Object.fromEntries(named) as Record<string, string>;
}
