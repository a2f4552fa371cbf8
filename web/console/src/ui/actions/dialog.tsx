import {
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
  type ReactNode,
} from "react";
import { X } from "lucide-react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { errorText } from "../../api/error-text.ts";
import { commonTexts } from "../../texts/common.ts";
import { EditScope, mayDiscardEdits } from "../../unsaved/unsaved-edits.ts";
import { Button, IconButton } from "./button.tsx";
import { Notice } from "../states.tsx";
import { showToast } from "../toast.tsx";
import styles from "./dialog.module.css";

/** Returns whether a dialog is open, and what opens and closes it. */
export function useDialog() {
  const [isOpen, setOpen] = useState(false);
  const open = () => {
    setOpen(true);
  };
  const onClose = () => {
    setOpen(false);
  };
  return { isOpen, open, onClose };
}

/** Says that what a dialog has sent has failed, if the dialog was closed meanwhile. */
export function useFailureToast(error: unknown, isOpen: boolean): void {
  const say = useEffectEvent(() => {
    if (!isOpen) showToast(errorText(error));
  });
  useEffect(() => {
    if (error !== null && error !== undefined) say();
  }, [error]);
}

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** Only what it contains closes it. */
  isPersistent?: boolean;
  children: ReactNode;
}

/**
 * A dialog over the page. Its button, Escape, or a click beside it closes it: with unsaved edits, after a
 * question.
 */
export function Dialog({ title, isOpen, onClose, isPersistent = false, children }: DialogProps) {
  const [scope] = useState(() => ({}));
  const close = async () => {
    if (await mayDiscardEdits(scope)) onClose();
  };
  const change = (open: boolean) => {
    if (!open) void close();
  };
  return (
    <ModalOverlay
      className={styles.overlay ?? ""}
      isOpen={isOpen}
      onOpenChange={change}
      isDismissable={!isPersistent}
      isKeyboardDismissDisabled={isPersistent}
    >
      <Modal className={styles.modal ?? ""}>
        <AriaDialog className={styles.dialog ?? ""}>
          <div className={styles.head}>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            {!isPersistent && (
              <IconButton label={commonTexts.close} onPress={() => void close()}>
                <X size={20} aria-hidden />
              </IconButton>
            )}
          </div>
          <EditScope value={scope}>{children}</EditScope>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** The buttons at the end of a dialog. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className={styles.buttons}>{children}</div>;
}

interface ConfirmDialogProps extends DialogProps {
  confirmLabel: string;
  /** "danger" by default: the action cannot be undone. */
  confirmLook?: "primary" | "danger" | undefined;
  /** Does what is confirmed. The dialog closes when it succeeds, and shows the error if it fails. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before an action. */
export function ConfirmDialog({
  confirmLabel,
  confirmLook = "danger",
  onConfirm,
  children,
  ...dialog
}: ConfirmDialogProps) {
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const isOpen = useRef(false);
  useLayoutEffect(() => {
    isOpen.current = dialog.isOpen;
  });
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
      if (isOpen.current) setError(reason);
      else showToast(errorText(reason));
    } finally {
      setPending(false);
    }
  };
  return (
    <Dialog {...dialog} onClose={close}>
      <div>{children}</div>
      {error !== undefined && <Notice kind="danger">{errorText(error)}</Notice>}
      <DialogButtons>
        <Button onPress={close}>{commonTexts.goBack}</Button>
        <Button look={confirmLook} isPending={isPending} onPress={() => void confirm()}>
          {confirmLabel}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
