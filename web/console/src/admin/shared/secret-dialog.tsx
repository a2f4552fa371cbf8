import { useState } from "react";
import { Copy } from "lucide-react";
import { adminTexts } from "../../texts/admin/shared.ts";
import { commonTexts } from "../../texts/common.ts";
import { Button } from "../../ui/actions/button.tsx";
import { Dialog, DialogButtons } from "../../ui/actions/dialog.tsx";
import { Notice } from "../../ui/states.tsx";
import { Row } from "../../ui/card.tsx";
import styles from "./secret-dialog.module.css";

interface SecretDialogProps {
  title: string;
  /** The dialog is open while there is a secret. */
  secret: string | undefined;
  note?: string;
  onClose: () => void;
}

/** Shows a secret that the shop returns only once. Only its button closes the dialog. */
export function SecretDialog({ title, secret, note, onClose }: SecretDialogProps) {
  const [message, setMessage] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret ?? "");
      setMessage(adminTexts.copied);
    } catch {
      // Pages without HTTPS have no clipboard, and users can forbid it.
      setMessage(adminTexts.notCopied);
    }
  };
  const close = () => {
    setMessage("");
    onClose();
  };
  return (
    <Dialog title={title} isOpen={secret !== undefined} onClose={close} isPersistent>
      <Notice kind="warning">{adminTexts.once}</Notice>
      {note !== undefined && <p>{note}</p>}
      <code className={styles.secret}>{secret}</code>
      <Row>
        <Button look="primary" onPress={() => void copy()}>
          <Copy size={16} aria-hidden /> {adminTexts.copy}
        </Button>
        <span role="status">{message}</span>
      </Row>
      <DialogButtons>
        <Button onPress={close}>{commonTexts.close}</Button>
      </DialogButtons>
    </Dialog>
  );
}
