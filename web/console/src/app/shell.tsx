import { Suspense, type ReactNode } from "react";
import { Moon, ShoppingBag, Sun, SunMoon } from "lucide-react";
import { Link, useLocation } from "wouter";
import { useBasket } from "../basket/use-basket.ts";
import { piecesIn } from "../basket/basket.ts";
import { useSignInPath } from "../session/sign-in-path.ts";
import { useSession } from "../session/use-session.ts";
import { commonTexts } from "../texts/common.ts";
import { shellTexts } from "../texts/shell.ts";
import { IconButton, LinkButton } from "../ui/actions/button.tsx";
import { Menu } from "../ui/actions/menu.tsx";
import { Notice } from "../ui/states.tsx";
import { Toasts } from "../ui/toast.tsx";
import { LeaveQuestion } from "../unsaved/leave-question.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { ConnectionNote } from "./connection-note.tsx";
import { lazyPage } from "./pages/lazy-page.ts";
import { linksFor } from "./navigation.ts";
import { setTheme, type Theme } from "./theme.ts";
import styles from "./shell.module.css";

// Only where a session has ended.
const SignInAgain = lazyPage(() => import("../session/sign-in-again.tsx"));

/** The frame of all pages: header, navigation, messages. */
export function Shell({ children }: { children: ReactNode }) {
  const session = useSession();
  const [path] = useLocation();
  const signInPath = useSignInPath();
  const { end } = session;
  // A user who has signed out in another tab knows it.
  const why =
    end === undefined || end === "signed-out-elsewhere" ? undefined : shellTexts.ends[end];
  const items = linksFor(session).map(({ href, text, icon: Icon }) => (
    <li key={href}>
      <Link href={href} aria-current={isWithin(path, href) ? "page" : undefined}>
        <Icon size={20} aria-hidden />
        <span>{text}</span>
      </Link>
    </li>
  ));
  return (
    <>
      <a className={styles.skip} href="#content">
        {shellTexts.skipToContent}
      </a>
      <header className={styles.header}>
        <div className={styles.bar}>
          <Link href="/" className={styles.brand}>
            <ShoppingBag size={22} aria-hidden />
            {commonTexts.shop}
          </Link>
          <nav className={styles.navigation} aria-label={shellTexts.mainNavigation}>
            <ul>{items}</ul>
          </nav>
          <div className={styles.tools}>
            <ThemeMenu />
            <BasketLink />
            {session.status === "anonymous" ? (
              <LinkButton href={signInPath} look="primary">
                {shellTexts.signIn}
              </LinkButton>
            ) : (
              <AccountMenu />
            )}
          </div>
        </div>
      </header>
      <main id="content" className={styles.content} tabIndex={-1}>
        {why !== undefined && session.pausedUserId === undefined && (
          <Notice kind="warning">{why}</Notice>
        )}
        {children}
      </main>
      <div className={styles.toasts}>
        <Toasts />
      </div>
      <div className={styles.messages}>
        <ConnectionNote />
      </div>
      <LeaveQuestion />
      {session.pausedUserId !== undefined && (
        <Suspense>
          <SignInAgain />
        </Suspense>
      )}
    </>
  );
}

function isWithin(path: string, href: string): boolean {
  if (href === "/") return path === "/" || path.startsWith("/products/");
  return path === href || path.startsWith(`${href}/`);
}

function BasketLink() {
  const pieces = piecesIn(useBasket());
  const label = pieces === 0 ? shellTexts.basket : shellTexts.basketWith(pieces);
  return (
    <Link href="/basket" className={styles.basket} aria-label={label}>
      <ShoppingBag size={20} aria-hidden />
      {pieces > 0 && (
        <span className={styles.count} aria-hidden>
          {pieces}
        </span>
      )}
    </Link>
  );
}

const themeIcons = { system: SunMoon, light: Sun, dark: Moon };
const themes: readonly Theme[] = ["system", "light", "dark"];

function ThemeMenu() {
  const entries = themes.map((theme) => {
    const Icon = themeIcons[theme];
    return {
      key: theme,
      text: shellTexts.themes[theme],
      icon: <Icon size={18} aria-hidden />,
      onSelect() {
        setTheme(theme);
      },
    };
  });
  const button = (
    <IconButton label={shellTexts.themeMenu}>
      <SunMoon size={20} aria-hidden />
    </IconButton>
  );
  return <Menu button={button} label={shellTexts.themeMenu} entries={entries} />;
}
