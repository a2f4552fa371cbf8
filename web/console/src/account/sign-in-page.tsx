import { Link, Redirect, useSearchParams } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { SignInForm } from "../session/sign-in-form.tsx";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { nextPath } from "./next-path.ts";
import styles from "./account.module.css";

/** Signs in, and goes on to where the user came from. */
export default function SignInPage() {
  const [params] = useSearchParams();
  const next = nextPath(params);
  const { status } = useSession();
  if (status !== "anonymous") return <Redirect to={next} replace />;
  return (
    <Page title={accountTexts.signInTitle} isNarrow>
      <div className={styles.card}>
        <SignInForm />
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
