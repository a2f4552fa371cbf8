import type { ReactNode } from "react";
import { Button, type ButtonProps } from "./button.tsx";
import { ConfirmDialog, useDialog } from "./dialog.tsx";

interface ConfirmButtonProps extends Pick<ButtonProps, "look" | "isSmall"> {
  /** The text of the button, the title of the dialog and the text of its button. */
  label: string;
  /** What the action is about, as the title of the dialog. It tells the buttons of a list apart. */
  subject?: string;
  icon?: ReactNode;
  /** The look of the button that confirms. */
  confirmLook?: "primary" | "danger";
  onConfirm: () => Promise<unknown>;
  /** What the action does. */
  children: ReactNode;
}

/** A button for an action that asks first. */
export function ConfirmButton(props: ConfirmButtonProps) {
  const { label, subject, icon, confirmLook, onConfirm, children, ...button } = props;
  const { open, ...dialog } = useDialog();
  return (
    <>
      <Button {...button} onPress={open} aria-label={subject && `${label}: ${subject}`}>
        {icon} {label}
      </Button>
      <ConfirmDialog
        {...dialog}
        title={subject ?? label}
        confirmLabel={label}
        confirmLook={confirmLook}
        onConfirm={onConfirm}
      >
        {children}
      </ConfirmDialog>
    </>
  );
}
