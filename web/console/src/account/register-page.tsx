import { Link, Redirect, useSearchParams } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { shop } from "../api/shop.ts";
import { useSingleMutation } from "../api/use-shop.ts";
import { signIn } from "../session/sign-in-out.ts";
import { userTypes } from "../session/user-types.ts";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/forms/fields.tsx";
import { Form } from "../ui/forms/form.tsx";
import { showToast } from "../ui/toast.tsx";
import { CreateAccountDocument } from "./account.graphql.ts";
import { NewPasswordField } from "./new-password-field.tsx";
import { nextPath } from "./next-path.ts";
import styles from "./account.module.css";

interface Registration {
  email: string;
  username: string;
  password: string;
}

async function register({ email, username, password }: Registration): Promise<string> {
  const input = { email, username, password, type: userTypes.customer };
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
          <NewPasswordField name="password" label={accountTexts.password} />
        </Form>
      </div>
      <p className={styles.other}>
        {accountTexts.hasAccount}{" "}
        <Link href={`/sign-in?next=${encodeURIComponent(next)}`}>{accountTexts.signIn}</Link>
      </p>
    </Page>
  );
}
