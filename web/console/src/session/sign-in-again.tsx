import { commonTexts } from "../texts/common.ts";
import { shellTexts } from "../texts/shell.ts";
import { discardEdits } from "../unsaved/unsaved-edits.ts";
import { Button } from "../ui/actions/button.tsx";
import { Dialog } from "../ui/actions/dialog.tsx";
import { updateSession } from "./session-store.ts";
import { SignInForm } from "./sign-in-form.tsx";
import { useSession } from "./use-session.ts";

/** Opens a new session over a page with unsaved edits, which stay where they are. */
export default function SignInAgain() {
  const { end = "ended" } = useSession();
  const { title, text } = shellTexts.signInAgain[end];
  const leave = () => {
    discardEdits();
    updateSession(end);
  };
  return (
    <Dialog title={title} isOpen isPersistent onClose={leave}>
      <p>
        {text} {shellTexts.editsKept}
      </p>
      <SignInForm />
      <Button onPress={leave}>{commonTexts.discardEdits}</Button>
    </Dialog>
  );
}
