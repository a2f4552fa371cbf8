import type { ReactNode } from "react";
import { KeyRound, ShieldOff } from "lucide-react";
import { useLocation } from "wouter";
import { Page } from "../app/page.tsx";
import { shellTexts } from "../texts/shell.ts";
import { LinkButton } from "../ui/button.tsx";
import { EmptyState, Skeleton } from "../ui/states.tsx";
import { useSession } from "./use-session.ts";

interface RequireSessionProps {
  /** Only admins may see the page. */
  isForAdmins?: boolean;
  children: ReactNode;
}

/** Shows a page to signed-in users, or to admins only. Others see what they need to see it. */
export function RequireSession({ isForAdmins = false, children }: RequireSessionProps) {
  const { status, isAdmin } = useSession();
  const [path] = useLocation();
  if (status === "anonymous") {
    const href = `/sign-in?next=${encodeURIComponent(path)}`;
    const action = (
      <LinkButton href={href} look="primary">
        {shellTexts.signIn}
      </LinkButton>
    );
    return (
      <Page title={shellTexts.signInFirst}>
        <EmptyState icon={<KeyRound />} title={shellTexts.signInFirstText} action={action} />
      </Page>
    );
  }
  if (!isForAdmins) return children;
  if (status === "loading") return <Skeleton height={480} />;
  if (isAdmin) return children;
  return (
    <Page title={shellTexts.noAccessTitle}>
      <EmptyState icon={<ShieldOff />} title={shellTexts.noAccessText} />
    </Page>
  );
}
