import { useState } from "react";
import { useLocation } from "wouter";
import { shop } from "../api/shop.ts";
import { signOut } from "../session/sign-in-out.ts";
import { accountTexts } from "../texts/account.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { mayDiscardEdits } from "../unsaved/unsaved-edits.ts";
import { showToast } from "../ui/toast.tsx";
import { SignOutEverywhereDocument } from "./account.graphql.ts";

export function SignOutEverywhere() {
  const [isAsking, setAsking] = useState(false);
  const [, navigate] = useLocation();
  const leave = async () => {
    if (!(await mayDiscardEdits())) return;
    await shop.execute(SignOutEverywhereDocument);
    await signOut();
    showToast(accountTexts.everywhereDone);
    navigate("/");
  };
  return (
    <>
      <div>
        <Button
          onPress={() => {
            setAsking(true);
          }}
        >
          {accountTexts.everywhere}
        </Button>
      </div>
      <ConfirmDialog
        title={accountTexts.everywhere}
        confirmLabel={accountTexts.everywhere}
        isOpen={isAsking}
        onClose={() => {
          setAsking(false);
        }}
        onConfirm={leave}
      >
        {accountTexts.everywhereText}
      </ConfirmDialog>
    </>
  );
}
