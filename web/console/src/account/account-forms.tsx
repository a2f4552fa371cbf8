import type { ReactNode } from "react";
import { shop } from "../api/shop.ts";
import { useShopMutation, useSingleMutation } from "../api/use-shop.ts";
import { ViewerDocument } from "../session/session.graphql.ts";
import { signIn } from "../session/sign-in-out.ts";
import type { Viewer } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { showToast } from "../ui/toast.tsx";
import { ChangeProfileDocument, ReplacePasswordDocument } from "./account.graphql.ts";
import styles from "./account.module.css";

interface SectionProps {
  title: string;
  note?: string;
  children: ReactNode;
}

/** A part of the account page. */
export function Section({ title, note, children }: SectionProps) {
  return (
    <section className={styles.card} aria-label={title}>
      <h2>{title}</h2>
      {note !== undefined && <p className={styles.note}>{note}</p>}
      {children}
    </section>
  );
}

interface FormProps {
  viewer: Viewer;
}

export function ProfileForm({ viewer }: FormProps) {
  const { mutate, isPending, error } = useShopMutation(ChangeProfileDocument, {
    invalidates: [ViewerDocument],
    onSuccess() {
      showToast(accountTexts.saved);
    },
  });
  return (
    <Section title={accountTexts.profile}>
      <Form
        key={viewer.username}
        submitLabel={accountTexts.save}
        isPending={isPending}
        error={error}
        onSubmit={({ username = "" }) => {
          mutate({ input: { username } });
        }}
      >
        <TextField
          name="username"
          label={accountTexts.username}
          defaultValue={viewer.username}
          autoComplete="name"
          isRequired
        />
      </Form>
    </Section>
  );
}

const errorFields = { INVALID_CREDENTIALS: { password: accountTexts.wrongPassword } };

export function EmailForm({ viewer }: FormProps) {
  const { mutate, isPending, error } = useShopMutation(ChangeProfileDocument, {
    invalidates: [ViewerDocument],
    onSuccess() {
      showToast(accountTexts.emailChanged);
    },
  });
  return (
    <Section title={accountTexts.emailTitle} note={accountTexts.emailHint}>
      <Form
        key={viewer.email}
        submitLabel={accountTexts.changeEmail}
        isPending={isPending}
        error={error}
        errorFields={errorFields}
        onSubmit={({ email = "", password = "" }) => {
          mutate({ input: { email, password } });
        }}
      >
        <TextField
          name="email"
          type="email"
          label={accountTexts.email}
          defaultValue={viewer.email}
          autoComplete="email"
          isRequired
        />
        <TextField
          name="password"
          type="password"
          label={accountTexts.currentPassword}
          autoComplete="current-password"
          isRequired
        />
      </Form>
    </Section>
  );
}

interface NewPassword {
  email: string;
  password: string;
  newPassword: string;
}

/** A new password ends all sessions, so this browser opens a new one with it. */
async function changePassword({ email, password, newPassword }: NewPassword): Promise<void> {
  const input = { password, newPassword };
  await shop.execute(ReplacePasswordDocument, { input });
  await signIn({ email, password: newPassword });
}

export function PasswordForm({ viewer }: FormProps) {
  const { mutate, isPending, error, submittedAt, isSuccess } = useSingleMutation({
    mutationFn: changePassword,
    onSuccess() {
      showToast(accountTexts.passwordChanged);
    },
  });
  return (
    <Section title={accountTexts.passwordTitle} note={accountTexts.passwordNote}>
      <Form
        // Empties the fields.
        key={isSuccess ? submittedAt : 0}
        submitLabel={accountTexts.changePassword}
        isPending={isPending}
        error={error}
        errorFields={errorFields}
        onSubmit={({ password = "", newPassword = "" }) => {
          mutate({ email: viewer.email, password, newPassword });
        }}
      >
        <TextField
          name="password"
          type="password"
          label={accountTexts.currentPassword}
          autoComplete="current-password"
          isRequired
        />
        <TextField
          name="newPassword"
          type="password"
          label={accountTexts.newPassword}
          description={accountTexts.passwordHint}
          autoComplete="new-password"
          minLength={8}
          isRequired
        />
      </Form>
    </Section>
  );
}
