import { CircleUser, LogOut, UserCog } from "lucide-react";
import { useLocation } from "wouter";
import { signOut } from "../session/sign-in-out.ts";
import { useSession } from "../session/use-session.ts";
import { shellTexts } from "../texts/shell.ts";
import { IconButton } from "../ui/actions/button.tsx";
import { Email } from "../ui/email.tsx";
import { Menu } from "../ui/actions/menu.tsx";
import { mayDiscardEdits } from "../unsaved/unsaved-edits.ts";
import { showToast } from "../ui/toast.tsx";

/** The menu of the signed-in user. */
export function AccountMenu() {
  const { viewer } = useSession();
  const [, navigate] = useLocation();
  const leave = async () => {
    if (!(await mayDiscardEdits())) return;
    try {
      await signOut();
      showToast(shellTexts.signedOut);
    } catch {
      // Whatever has failed, the shop may still have the session.
      showToast(shellTexts.signedOutHere);
    }
    navigate("/");
  };
  const button = (
    <IconButton label={shellTexts.accountMenu}>
      <CircleUser size={22} aria-hidden />
    </IconButton>
  );
  const head = viewer && (
    <>
      <strong>{viewer.username}</strong>
      <div>
        <Email address={viewer.email} />
      </div>
    </>
  );
  return (
    <Menu
      button={button}
      label={shellTexts.accountMenu}
      head={head}
      entries={[
        {
          key: "account",
          text: shellTexts.account,
          icon: <UserCog size={18} aria-hidden />,
          onSelect: () => {
            navigate("/account");
          },
        },
        {
          key: "sign-out",
          text: shellTexts.signOut,
          icon: <LogOut size={18} aria-hidden />,
          onSelect: () => void leave(),
        },
      ]}
    />
  );
}
