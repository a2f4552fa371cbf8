import { useState, type ReactNode } from "react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { errorText } from "../api/error-text.ts";
import { commonTexts } from "../texts/common.ts";
import { Button } from "./button.tsx";
import { Notice } from "./states.tsx";
import styles from "./dialog.module.css";

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the page. Escape, or a click beside it, closes it. */
export function Dialog({ title, isOpen, onClose, children }: DialogProps) {
  const change = (open: boolean) => {
    if (!open) onClose();
  };
  return (
    <ModalOverlay
      className={styles.overlay ?? ""}
      isOpen={isOpen}
      onOpenChange={change}
      isDismissable
    >
      <Modal className={styles.modal ?? ""}>
        <AriaDialog className={styles.dialog ?? ""}>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmDialogProps extends DialogProps {
  confirmLabel: string;
  /** Does what is confirmed. The dialog closes when it succeeds, and shows the error if it fails. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before an action that cannot be undone. */
export function ConfirmDialog({
  confirmLabel,
  onConfirm,
  children,
  ...dialog
}: ConfirmDialogProps) {
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const close = () => {
    setError(undefined);
    dialog.onClose();
  };
  const confirm = async () => {
    setPending(true);
    try {
      await onConfirm();
      close();
    } catch (reason) {
      setError(reason);
    } finally {
      setPending(false);
    }
  };
  return (
    <Dialog {...dialog} onClose={close}>
      <div>{children}</div>
      {error !== undefined && <Notice kind="danger">{errorText(error)}</Notice>}
      <div className={styles.buttons}>
        <Button onPress={close}>{commonTexts.keep}</Button>
        <Button look="danger" isPending={isPending} onPress={() => void confirm()}>
          {confirmLabel}
        </Button>
      </div>
    </Dialog>
  );
}
