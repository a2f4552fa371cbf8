import { Link, Redirect } from "wouter";
import { Page } from "../app/pages/page.tsx";
import type { MutationSender } from "../api/mutation-sender.ts";
import { useMutationSender, useSingleMutation } from "../api/use-shop.ts";
import { signInAfter } from "../session/sign-in-out.ts";
import { userTypes } from "../session/user-types.ts";
import { pathWithNext, useNextPath } from "../session/sign-in-path.ts";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { withoutQuestion } from "../unsaved/unsaved-edits.ts";
import { useNavigate } from "../unsaved/use-navigate.ts";
import { TextField } from "../ui/forms/fields.tsx";
import { Form } from "../ui/forms/form.tsx";
import { showToast } from "../ui/toast.tsx";
import { CreateAccountDocument } from "./account.graphql.ts";
import { NewPasswordField } from "./new-password-field.tsx";
import styles from "./account.module.css";

interface Registration {
  email: string;
  username: string;
  password: string;
}

/** A failed sign-in is no failed registration: another attempt would say that the email is taken. */
async function register(sender: MutationSender, { email, username, password }: Registration) {
  const input = { email, username, password, type: userTypes.customer };
  const { registerUser } = await sender.send(CreateAccountDocument, { input });
  return { name: registerUser.username, isSignedIn: await signInAfter({ email, password }) };
}

/** Creates an account and signs in. */
export default function RegisterPage() {
  const next = useNextPath();
  const navigate = useNavigate();
  const { status } = useSession();
  const sender = useMutationSender();
  const { mutate, isPending, error } = useSingleMutation({
    mutationFn: (registration: Registration) => register(sender, registration),
    onSuccess({ name, isSignedIn }) {
      showToast(isSignedIn ? accountTexts.welcome(name) : accountTexts.registered);
      if (isSignedIn) return;
      withoutQuestion(() => {
        navigate(pathWithNext("/sign-in", next));
      });
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
        <Link href={pathWithNext("/sign-in", next)}>{accountTexts.signIn}</Link>
      </p>
    </Page>
  );
}
