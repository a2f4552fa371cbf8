import { Fragment, type ReactNode } from "react";
import { KeyRound, ShieldOff } from "lucide-react";
import { PageSkeleton } from "../app/pages/page-skeleton.tsx";
import { Page } from "../app/pages/page.tsx";
import { commonTexts } from "../texts/common.ts";
import { shellTexts } from "../texts/shell.ts";
import { LinkButton } from "../ui/actions/button.tsx";
import { EmptyState, ErrorState } from "../ui/states.tsx";
import { useSignInPath } from "./sign-in-path.ts";
import { useSession } from "./use-session.ts";

interface RequireSessionProps {
  /** Who may see the page: all signed-in users if it is not given. */
  role?: "admin" | "operating-admin";
  children: ReactNode;
}

/** Shows a page to signed-in users, or only to admins, or to those who may operate. Others see what they need to see it. */
export function RequireSession({ role, children }: RequireSessionProps) {
  const { status, userId, isAdmin, mayOperate, failure } = useSession();
  const signInPath = useSignInPath();
  if (status === "anonymous") {
    const action = (
      <LinkButton href={signInPath} look="primary">
        {shellTexts.signIn}
      </LinkButton>
    );
    return (
      <Page title={shellTexts.signInFirst}>
        <EmptyState icon={<KeyRound />} title={shellTexts.signInFirstText} action={action} />
      </Page>
    );
  }
  const mayOpen = role === undefined || (role === "admin" ? isAdmin : mayOperate);
  // What one user has typed is not shown to another one.
  if (mayOpen) return <Fragment key={userId}>{children}</Fragment>;
  if (status === "loading") {
    return failure === null ? <PageSkeleton isWithNavigation /> : <ErrorState error={failure} />;
  }
  return (
    <Page title={shellTexts.noAccessTitle}>
      <EmptyState
        icon={<ShieldOff />}
        title={shellTexts.noAccessTexts[role]}
        action={<LinkButton href="/">{commonTexts.toCatalogue}</LinkButton>}
      />
    </Page>
  );
}
