import { useLocation } from "wouter";
import { useMutationSender } from "../api/use-shop.ts";
import { sendEndingChange } from "../session/session-store.ts";
import { signOut } from "../session/sign-in-out.ts";
import { accountTexts } from "../texts/account.ts";
import { ConfirmButton } from "../ui/actions/confirm-button.tsx";
import { mayDiscardEdits } from "../unsaved/unsaved-edits.ts";
import { showToast } from "../ui/toast.tsx";
import { SignOutEverywhereDocument } from "./account.graphql.ts";

export function SignOutEverywhere() {
  const [, navigate] = useLocation();
  const sender = useMutationSender();
  const leave = async () => {
    if (!(await mayDiscardEdits())) return;
    await sendEndingChange("everywhere", () => sender.send(SignOutEverywhereDocument, {}));
    await signOut();
    showToast(accountTexts.everywhereDone);
    navigate("/");
  };
  return (
    <div>
      <ConfirmButton label={accountTexts.everywhere} onConfirm={leave}>
        {accountTexts.everywhereText}
      </ConfirmButton>
    </div>
  );
}
