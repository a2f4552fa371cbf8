import type { MutationSender } from "../api/mutation-sender.ts";
import { useMutationSender, useShopMutation, useSingleMutation } from "../api/use-shop.ts";
import { sendEndingChange } from "../session/session-store.ts";
import { ViewerDocument } from "../session/session.graphql.ts";
import { signInAfter, signOut } from "../session/sign-in-out.ts";
import type { Viewer } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { Card } from "../ui/card.tsx";
import { TextField } from "../ui/forms/fields.tsx";
import { Form } from "../ui/forms/form.tsx";
import { showToast } from "../ui/toast.tsx";
import { ChangeProfileDocument, ReplacePasswordDocument } from "./account.graphql.ts";
import { NewPasswordField } from "./new-password-field.tsx";

interface FormProps {
  viewer: Viewer;
}

export function ProfileForm({ viewer }: FormProps) {
  return (
    <Card title={accountTexts.profile}>
      {/* With another name, the error of the last request is out of date, too. */}
      <NameFields key={viewer.username} viewer={viewer} />
    </Card>
  );
}

function NameFields({ viewer }: FormProps) {
  const { mutate, isPending, error } = useShopMutation(ChangeProfileDocument, {
    invalidates: [ViewerDocument],
    onSuccess() {
      showToast(accountTexts.saved);
    },
  });
  return (
    <Form
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
  );
}

const errorFields = { INVALID_CREDENTIALS: { password: accountTexts.wrongPassword } };

export function EmailForm({ viewer }: FormProps) {
  return (
    <Card title={accountTexts.emailTitle} note={accountTexts.emailHint}>
      {/* With another email, the error of the last request is out of date, too. */}
      <EmailFields key={viewer.email} viewer={viewer} />
    </Card>
  );
}

function EmailFields({ viewer }: FormProps) {
  const { mutate, isPending, error } = useShopMutation(ChangeProfileDocument, {
    invalidates: [ViewerDocument],
    onSuccess() {
      showToast(accountTexts.emailChanged);
    },
  });
  return (
    <Form
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
  );
}

interface NewPassword {
  email: string;
  password: string;
  newPassword: string;
}

/**
 * A new password ends all sessions, so this browser opens a new one with it. If that fails, the password
 * is changed nevertheless, and the user has to sign in. Returns whether there is a session.
 */
async function changePassword(
  sender: MutationSender,
  { email, password, newPassword }: NewPassword,
): Promise<boolean> {
  const input = { password, newPassword };
  await sendEndingChange("password", () => sender.send(ReplacePasswordDocument, { input }));
  const isSignedIn = await signInAfter({ email, password: newPassword });
  if (!isSignedIn) await signOut().catch(() => undefined);
  return isSignedIn;
}

export function PasswordForm({ viewer }: FormProps) {
  const sender = useMutationSender();
  const { mutate, isPending, error, submittedAt, isSuccess } = useSingleMutation({
    mutationFn: (change: NewPassword) => changePassword(sender, change),
    onSuccess(isSignedIn) {
      showToast(isSignedIn ? accountTexts.passwordChanged : accountTexts.passwordChangedOnly);
    },
  });
  return (
    <Card title={accountTexts.passwordTitle} note={accountTexts.passwordNote}>
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
        <NewPasswordField name="newPassword" label={accountTexts.newPassword} />
      </Form>
    </Card>
  );
}
