import { Link, useLocation } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { useShopMutation } from "../api/use-shop.ts";
import { useSignInPath } from "../session/sign-in-path.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/forms/fields.tsx";
import { Form } from "../ui/forms/form.tsx";
import { showToast } from "../ui/toast.tsx";
import { ResetMyPasswordDocument } from "./account.graphql.ts";
import { NewPasswordField } from "./new-password-field.tsx";
import styles from "./account.module.css";

/** Sets a new password with a reset token, and says how to get one. */
export default function ResetPasswordPage() {
  const [, navigate] = useLocation();
  const signInPath = useSignInPath();
  const { mutate, isPending, error } = useShopMutation(ResetMyPasswordDocument, {
    onSuccess() {
      showToast(accountTexts.resetDone);
      navigate(signInPath, { replace: true });
    },
  });
  return (
    <Page title={accountTexts.resetTitle} isNarrow>
      <div className={styles.card}>
        <p className={styles.note}>{accountTexts.resetNote}</p>
        <Form
          isDisposable
          submitLabel={accountTexts.reset}
          isPending={isPending}
          error={error}
          onSubmit={({ token = "", newPassword = "" }) => {
            mutate({ input: { token: token.trim(), newPassword } });
          }}
        >
          <TextField name="token" label={accountTexts.resetToken} autoComplete="off" isRequired />
          <NewPasswordField name="newPassword" label={accountTexts.newPassword} />
        </Form>
      </div>
      <p className={styles.other}>
        <Link href={signInPath}>{accountTexts.signIn}</Link>
      </p>
    </Page>
  );
}
