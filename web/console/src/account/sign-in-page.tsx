import { Link, Redirect, useSearchParams } from "wouter";
import { Page } from "../app/page.tsx";
import { useSingleMutation } from "../api/use-shop.ts";
import { signIn } from "../session/sign-in-out.ts";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { nextPath } from "./next-path.ts";
import styles from "./account.module.css";

/** Signs in, and goes on to where the user came from. */
export default function SignInPage() {
  const [params] = useSearchParams();
  const next = nextPath(params);
  const { status } = useSession();
  const { mutate, isPending, error } = useSingleMutation({ mutationFn: signIn });
  if (status !== "anonymous") return <Redirect to={next} replace />;
  return (
    <Page title={accountTexts.signInTitle} isNarrow>
      <div className={styles.card}>
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
        <p>
          <Link href="/reset-password">{accountTexts.forgotPassword}</Link>
        </p>
      </div>
      <p className={styles.other}>
        {accountTexts.noAccount}{" "}
        <Link href={`/register?next=${encodeURIComponent(next)}`}>{accountTexts.toRegister}</Link>
      </p>
    </Page>
  );
}
