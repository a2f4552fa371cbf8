import { useState, type ReactNode } from "react";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";

interface ConfirmButtonProps {
  /** The text of the button, the title of the dialog and the text of its button. */
  label: string;
  icon?: ReactNode;
  isSmall?: boolean;
  /** The look of the button that confirms. */
  confirmLook?: "primary" | "danger";
  onConfirm: () => Promise<unknown>;
  /** What the action does. */
  children: ReactNode;
}

/** A button for an action that asks first. */
export function ConfirmButton({
  label,
  icon,
  isSmall,
  confirmLook,
  onConfirm,
  children,
}: ConfirmButtonProps) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button
        isSmall={isSmall}
        onPress={() => {
          setAsking(true);
        }}
      >
        {icon} {label}
      </Button>
      <ConfirmDialog
        title={label}
        confirmLabel={label}
        confirmLook={confirmLook}
        isOpen={isAsking}
        onClose={() => {
          setAsking(false);
        }}
        onConfirm={onConfirm}
      >
        {children}
      </ConfirmDialog>
    </>
  );
}
