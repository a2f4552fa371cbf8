import { Link, Redirect } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { SignInForm } from "../session/sign-in-form.tsx";
import { pathWithNext, useNextPath } from "../session/sign-in-path.ts";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import styles from "./account.module.css";

/** Signs in, and goes on to where the user came from. */
export default function SignInPage() {
  const next = useNextPath();
  const { status } = useSession();
  if (status !== "anonymous") return <Redirect to={next} replace />;
  return (
    <Page title={accountTexts.signInTitle} isNarrow>
      <div className={styles.card}>
        <SignInForm />
        <p>
          <Link href={pathWithNext("/reset-password", next)}>{accountTexts.forgotPassword}</Link>
        </p>
      </div>
      <p className={styles.other}>
        {accountTexts.noAccount}{" "}
        <Link href={pathWithNext("/register", next)}>{accountTexts.toRegister}</Link>
      </p>
    </Page>
  );
}
