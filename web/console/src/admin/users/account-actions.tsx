import { useState } from "react";
import { KeyRound, UserX } from "lucide-react";
import { useShopMutation } from "../../api/use-shop.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { adminUserTexts } from "../../texts/admin/users.ts";
import { useNavigate } from "../../unsaved/use-navigate.ts";
import { Button } from "../../ui/actions/button.tsx";
import { Dialog, useDialog, useFailureToast } from "../../ui/actions/dialog.tsx";
import { TextField } from "../../ui/forms/fields.tsx";
import { Form } from "../../ui/forms/form.tsx";
import { formatTime } from "../../ui/format.ts";
import { showToast } from "../../ui/toast.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { SecretDialog } from "../shared/secret-dialog.tsx";
import {
  AdminUserRowsDocument,
  EraseUserDataDocument,
  ResetUserPasswordDocument,
  type AdminUserRowFragment,
} from "./users.graphql.ts";

interface ActionProps {
  user: AdminUserRowFragment;
  /** The button is shown. A dialog that is open stays without it: it can have the token. */
  isOffered: boolean;
}

/** Creates a token with which a customer sets a new password, and shows it once. */
export function ResetButton({ user: { id, username }, isOffered }: ActionProps) {
  const { mutateAsync, data, reset } = useShopMutation(ResetUserPasswordDocument);
  const created = data?.createPasswordReset;
  return (
    <>
      <ConfirmButton
        isOffered={isOffered}
        label={adminUserTexts.reset}
        icon={<KeyRound size={16} aria-hidden />}
        confirmLook="primary"
        onConfirm={() => mutateAsync({ input: { id } })}
      >
        {adminUserTexts.resetText}
      </ConfirmButton>
      <SecretDialog
        title={adminUserTexts.resetTitle}
        secret={created?.token}
        note={created && adminUserTexts.resetNote(username, formatTime(created.expiresAt))}
        onClose={reset}
      />
    </>
  );
}

/** Erases the personal data of a user after the email was typed. */
export function EraseButton({ user: { id, email }, isOffered }: ActionProps) {
  const { open, ...dialog } = useDialog();
  // The dialog asks for it, also if the user changes it meanwhile.
  const [askedEmail, setAskedEmail] = useState(email);
  const navigate = useNavigate();
  const { mutate, isPending, error } = useShopMutation(EraseUserDataDocument, {
    invalidates: [AdminUserRowsDocument],
    onSuccess() {
      showToast(adminUserTexts.erased);
      navigate("/admin/users");
    },
  });
  useFailureToast(error, dialog.isOpen);
  return (
    <>
      {isOffered && (
        <Button
          onPress={() => {
            setAskedEmail(email);
            open();
          }}
        >
          <UserX size={16} aria-hidden /> {adminUserTexts.erase}
        </Button>
      )}
      <Dialog {...dialog} title={adminUserTexts.erase}>
        <p>{adminUserTexts.eraseText}</p>
        <Form
          isDisposable
          submitLabel={adminUserTexts.erase}
          submitLook="danger"
          isPending={isPending}
          error={error}
          check={({ confirmation }): Record<string, string> =>
            confirmation === askedEmail
              ? {}
              : { confirmation: adminUserTexts.eraseMismatch(askedEmail) }
          }
          onSubmit={() => {
            mutate({ id });
          }}
        >
          <TextField
            name="confirmation"
            label={adminTexts.typeToConfirm(askedEmail)}
            autoComplete="off"
            isRequired
          />
        </Form>
      </Dialog>
    </>
  );
}
