import { Link, Redirect, useSearchParams } from "wouter";
import { Page } from "../app/page.tsx";
import { shop } from "../api/shop.ts";
import { useSingleMutation } from "../api/use-shop.ts";
import { signIn } from "../session/sign-in-out.ts";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { showToast } from "../ui/toast.tsx";
import { CreateAccountDocument } from "./account.graphql.ts";
import { nextPath } from "./next-path.ts";
import styles from "./account.module.css";

interface Registration {
  email: string;
  username: string;
  password: string;
}

async function register({ email, username, password }: Registration): Promise<string> {
  const input = { email, username, password, type: 0 };
  const { registerUser } = await shop.execute(CreateAccountDocument, { input });
  await signIn({ email, password });
  return registerUser.username;
}

/** Creates an account and signs in. */
export default function RegisterPage() {
  const [params] = useSearchParams();
  const next = nextPath(params);
  const { status } = useSession();
  const { mutate, isPending, error } = useSingleMutation({
    mutationFn: register,
    onSuccess: (name) => {
      showToast(accountTexts.welcome(name));
    },
  });
  if (status !== "anonymous") return <Redirect to={next} replace />;
  return (
    <Page title={accountTexts.registerTitle} isNarrow>
      <div className={styles.card}>
        <Form
          submitLabel={accountTexts.register}
          isPending={isPending}
          error={error}
          onSubmit={({ email = "", username = "", password = "" }) => {
            mutate({ email, username, password });
          }}
        >
          <TextField
            name="username"
            label={accountTexts.username}
            description={accountTexts.usernameHint}
            autoComplete="name"
            isRequired
          />
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
            description={accountTexts.passwordHint}
            autoComplete="new-password"
            minLength={8}
            isRequired
          />
        </Form>
      </div>
      <p className={styles.other}>
        {accountTexts.hasAccount}{" "}
        <Link href={`/sign-in?next=${encodeURIComponent(next)}`}>{accountTexts.signIn}</Link>
      </p>
    </Page>
  );
}
