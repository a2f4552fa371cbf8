import { accountTexts } from "../texts/account.ts";
import { TextField } from "../ui/forms/fields.tsx";

interface NewPasswordFieldProps {
  name: string;
  label: string;
}

/** The field for a password that the user chooses. */
export function NewPasswordField(props: NewPasswordFieldProps) {
  return (
    <TextField
      {...props}
      type="password"
      description={accountTexts.passwordHint}
      autoComplete="new-password"
      minLength={8}
      isRequired
    />
  );
}
