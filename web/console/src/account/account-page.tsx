import { Page } from "../app/pages/page.tsx";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { ErrorState, Skeleton } from "../ui/states.tsx";
import { EmailForm, PasswordForm, ProfileForm } from "./account-forms.tsx";
import { Sessions } from "./sessions.tsx";

/** Profile, email, password and sessions of the signed-in user. */
export default function AccountPage() {
  const { viewer, failure } = useSession();
  return (
    <Page title={accountTexts.title} isNarrow>
      {!viewer && failure !== null && <ErrorState error={failure} />}
      {!viewer && failure === null && <Skeleton count={3} height={220} />}
      {viewer && (
        <>
          <ProfileForm viewer={viewer} />
          <EmailForm viewer={viewer} />
          <PasswordForm viewer={viewer} />
          <Sessions />
        </>
      )}
    </Page>
  );
}
