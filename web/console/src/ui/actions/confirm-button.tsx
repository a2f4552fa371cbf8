import { useState, type ReactNode } from "react";
import { Button, type ButtonProps } from "./button.tsx";
import { ConfirmDialog, useDialog } from "./dialog.tsx";

/** What the dialog asks, and does. */
interface Question {
  /** The text of the button, the title of the dialog and the text of its button. */
  label: string;
  /** What the action is about, as the title of the dialog. It tells the buttons of a list apart. */
  subject?: string | undefined;
  /** The look of the button that confirms. */
  confirmLook?: "primary" | "danger" | undefined;
  onConfirm: () => Promise<unknown>;
  /** What the action does. */
  children: ReactNode;
}

interface ConfirmButtonProps extends Question, Pick<ButtonProps, "look" | "isSmall"> {
  icon?: ReactNode;
  /**
   * False hides the button: the action is not possible now. A dialog that is open stays, with its error.
   * Without the component, it would vanish.
   */
  isOffered?: boolean;
}

/**
 * A button for an action that asks first. The dialog keeps the action for which it was opened: when the
 * page is read again meanwhile, the button can stand for the opposite.
 */
export function ConfirmButton(props: ConfirmButtonProps) {
  const {
    icon,
    isOffered = true,
    label,
    subject,
    confirmLook,
    onConfirm,
    children,
    ...button
  } = props;
  const { open, ...dialog } = useDialog();
  const [asked, setAsked] = useState<Question>(props);
  const ask = () => {
    setAsked({ label, subject, confirmLook, onConfirm, children });
    open();
  };
  return (
    <>
      {isOffered && (
        <Button {...button} onPress={ask} aria-label={subject && `${label}: ${subject}`}>
          {icon} {label}
        </Button>
      )}
      <ConfirmDialog
        {...dialog}
        title={asked.subject ?? asked.label}
        confirmLabel={asked.label}
        confirmLook={asked.confirmLook}
        onConfirm={asked.onConfirm}
      >
        {asked.children}
      </ConfirmDialog>
    </>
  );
}
