import { useShopMutation } from "../../api/use-shop.ts";
import { adminUserTexts } from "../../texts/admin/users.ts";
import { showToast } from "../../ui/toast.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { userTypes } from "../../session/user-types.ts";
import {
  AdminUserRowsDocument,
  AdminUserViewDocument,
  ChangeUserRightsDocument,
  ChangeUserTypeDocument,
  type AdminUserRowFragment,
} from "./users.graphql.ts";

const invalidates = [AdminUserViewDocument, AdminUserRowsDocument];

interface ActionProps {
  user: AdminUserRowFragment;
  /** The button is shown. */
  isOffered: boolean;
}

/** Makes a customer an admin, or an admin a customer. */
export function TypeButton({ user: { id, type }, isOffered }: ActionProps) {
  const { mutateAsync } = useShopMutation(ChangeUserTypeDocument, {
    invalidates,
    onSuccess() {
      showToast(adminUserTexts.typeChanged);
    },
  });
  const isAdmin = type === userTypes.admin;
  const next = isAdmin ? userTypes.customer : userTypes.admin;
  return (
    <ConfirmButton
      isOffered={isOffered}
      label={isAdmin ? adminUserTexts.makeCustomer : adminUserTexts.makeAdmin}
      onConfirm={() => mutateAsync({ input: { id, type: next } })}
    >
      {isAdmin ? adminUserTexts.makeCustomerText : adminUserTexts.makeAdminText}
    </ConfirmButton>
  );
}

/** Grants an admin the right to operate the shop, or takes it away. */
export function RightsButton({ user: { id, mayOperate }, isOffered }: ActionProps) {
  const { mutateAsync } = useShopMutation(ChangeUserRightsDocument, {
    invalidates,
    onSuccess() {
      showToast(adminUserTexts.rightsChanged);
    },
  });
  return (
    <ConfirmButton
      isOffered={isOffered}
      label={mayOperate ? adminUserTexts.revoke : adminUserTexts.grant}
      onConfirm={() => mutateAsync({ input: { id, mayOperate: !mayOperate } })}
    >
      {mayOperate ? adminUserTexts.revokeText : adminUserTexts.grantText}
    </ConfirmButton>
  );
}
