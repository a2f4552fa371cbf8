import { useMutation } from "@tanstack/react-query";
import { Link, useLocation, useSearchParams } from "wouter";
import { Page } from "../app/page.tsx";
import { signIn } from "../session/sign-in-out.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { nextPath } from "./next-path.ts";
import styles from "./account.module.css";

/** Signs in, and goes on to where the user came from. */
export default function SignInPage() {
  const [, navigate] = useLocation();
  const [params] = useSearchParams();
  const next = nextPath(params);
  const { mutate, isPending, error } = useMutation({
    mutationFn: signIn,
    onSuccess: () => {
      navigate(next, { replace: true });
    },
  });
  return (
    <Page title={accountTexts.signInTitle} isNarrow>
      <div className={styles.card}>
        <Form
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
      </div>
      <p className={styles.other}>
        {accountTexts.noAccount}{" "}
        <Link href={`/register?next=${encodeURIComponent(next)}`}>{accountTexts.toRegister}</Link>
      </p>
    </Page>
  );
}
