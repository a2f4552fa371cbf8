import { useSingleMutation } from "../api/use-shop.ts";
import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/forms/fields.tsx";
import { Form } from "../ui/forms/form.tsx";
import { signIn } from "./sign-in-out.ts";

/** Asks for email and password, and opens a session. */
export function SignInForm() {
  const { mutate, isPending, error } = useSingleMutation({ mutationFn: signIn });
  return (
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
  );
}
