import { useSingleMutation } from "../api/use-shop.ts";
import { accountTexts } from "../texts/account.ts";
import { commonTexts } from "../texts/common.ts";
import { shellTexts } from "../texts/shell.ts";
import { discardEdits } from "../unsaved/unsaved-edits.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { updateSession } from "./session-store.ts";
import { signIn } from "./sign-in-out.ts";

/** Opens a new session over a page with unsaved edits, which stay where they are. */
export default function SignInAgain() {
  const { mutate, isPending, error } = useSingleMutation({ mutationFn: signIn });
  const leave = () => {
    discardEdits();
    updateSession(true);
  };
  return (
    <Dialog title={shellTexts.signInAgain} isOpen isPersistent onClose={leave}>
      <p>{shellTexts.signInAgainText}</p>
      <Form
        isDisposable
        submitLabel={accountTexts.signIn}
        isPending={isPending}
        error={error}
        onSubmit={({ email = "", password = "" }) => {
          mutate({ email, password });
        }}
      >
        <TextField
          name="email"
          type="email"
          label={accountTexts.email}
          autoComplete="username"
          isRequired
        />
        <TextField
          name="password"
          type="password"
          label={accountTexts.password}
          autoComplete="current-password"
          isRequired
        />
      </Form>
      <Button onPress={leave}>{commonTexts.discardEdits}</Button>
    </Dialog>
  );
}
