import { useEffect, useRef, useState, type ReactNode, type SyntheticEvent } from "react";
import { commonTexts } from "../../texts/common.ts";
import { useUnsavedEdits } from "../../unsaved/unsaved-edits.ts";
import { Button } from "../actions/button.tsx";
import { shownErrors, type ErrorFields } from "./field-errors.ts";
import { FormErrors } from "./form-errors.ts";
import { FormPending } from "./form-pending.ts";
import { Notice, showNotice } from "../states.tsx";
import styles from "./form.module.css";

interface FormProps {
  /** Gets the values of the fields by their names. */
  onSubmit: (values: Record<string, string>) => void;
  /** Returns messages about values that the shop cannot judge, by the names of the fields. */
  check?: (values: Record<string, string>) => Record<string, string>;
  submitLabel: string;
  /** `danger` for what cannot be undone. */
  submitLook?: "primary" | "danger";
  isPending: boolean;
  /** The error of the mutation. An error of a field is shown at the field. */
  error: unknown;
  /** Messages for codes that are about a field, by the name of the field. */
  errorFields?: ErrorFields;
  /** The entries are worth no question before they are lost: a sign-in, a confirmation. */
  isDisposable?: boolean;
  children: ReactNode;
}

/**
 * A form with one button. The shop checks the values. Errors stay at the fields until the form is sent
 * again: if they went when a field changes, the button would move away from under the pointer. The first
 * field with an error gets the focus. An error of the whole form is scrolled into view: the button of a
 * long form is far below it. In a dialog, the first field gets the focus when the dialog opens.
 */
export function Form(props: FormProps) {
  const { onSubmit, check, submitLabel, isPending, error, errorFields = {} } = props;
  const { submitLook = "primary", isDisposable = false, children } = props;
  const [faults, setFaults] = useState<Record<string, string>>({});
  // Undefined until the form is sent: it can begin with the error of an earlier one.
  const [names, setNames] = useState<readonly string[]>();
  const form = useRef<HTMLFormElement>(null);
  const first = useRef("");
  useEffect(() => {
    first.current = entriesOf(form.current);
    if (form.current?.closest('[role="dialog"]')) focusFirstField(form.current);
  }, []);
  useUnsavedEdits(() => !isDisposable && entriesOf(form.current) !== first.current);
  useEffect(() => {
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-fault]');
    if (field) field.focus();
    else showNotice(form.current);
  }, [faults, error]);
  const submit = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isPending) return;
    const entries = [...new FormData(event.currentTarget)].map(([name, value]) => [
      name,
      typeof value === "string" ? value : "",
    ]);
    const values = Object.fromEntries(entries) as Record<string, string>;
    setNames(namesOf(event.currentTarget));
    const found = { ...check?.(values), ...emptyFieldsOf(event.currentTarget) };
    setFaults(found);
    if (Object.keys(found).length === 0) onSubmit(values);
  };
  const { ofFields, ofForm } = shownErrors(error, names, errorFields);
  // The error is that of the values before.
  const hasNoFault = Object.keys(faults).length === 0;
  return (
    <form ref={form} className={styles.form} onSubmit={submit} noValidate>
      <FormErrors value={hasNoFault ? ofFields : faults}>
        {ofForm !== undefined && hasNoFault && <Notice kind="danger">{ofForm}</Notice>}
        <FormPending value={isPending}>{children}</FormPending>
        <div className={styles.submit}>
          <Button type="submit" look={submitLook} isPending={isPending}>
            {submitLabel}
          </Button>
        </div>
      </FormErrors>
    </form>
  );
}

function focusFirstField(form: HTMLFormElement): void {
  form.querySelector<HTMLElement>("input, textarea, select")?.focus();
}

/** Returns the entries as a text. Passwords do not count: browsers fill them in unasked. */
function entriesOf(form: HTMLFormElement | null): string {
  const fields = [...(form?.elements ?? [])].filter(
    (element) =>
      element instanceof HTMLInputElement ||
      element instanceof HTMLTextAreaElement ||
      element instanceof HTMLSelectElement,
  );
  const entries = fields.map((field) =>
    field.type === "checkbox" ? (field as HTMLInputElement).checked : field.value,
  );
  return JSON.stringify(entries.filter((_, index) => fields[index]?.type !== "password"));
}

/** Returns messages about the required fields that are empty, by their names. */
function emptyFieldsOf(form: HTMLFormElement): Record<string, string> {
  const required = form.querySelectorAll<HTMLInputElement>('[aria-required="true"], [required]');
  const empty = [...required].filter(({ value }) => value.trim() === "");
  return Object.fromEntries(empty.map(({ name }) => [name, commonTexts.fieldRequired]));
}

/** Returns the names of the fields, also of groups of checkboxes. */
function namesOf({ elements }: HTMLFormElement): string[] {
  return [...elements].flatMap((element) => element.getAttribute("name") ?? []);
}
