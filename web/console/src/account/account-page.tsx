import { Page } from "../app/page.tsx";
import { useSession } from "../session/use-session.ts";
import { accountTexts } from "../texts/account.ts";
import { Skeleton } from "../ui/states.tsx";
import { EmailForm, PasswordForm, ProfileForm } from "./account-forms.tsx";
import { Sessions } from "./sessions.tsx";

/** Profile, email, password and sessions of the signed-in user. */
export default function AccountPage() {
  const { viewer } = useSession();
  return (
    <Page title={accountTexts.title} isNarrow>
      {viewer ? (
        <>
          <ProfileForm viewer={viewer} />
          <EmailForm viewer={viewer} />
          <PasswordForm viewer={viewer} />
          <Sessions />
        </>
      ) : (
        <Skeleton count={3} height={220} />
      )}
    </Page>
  );
}
