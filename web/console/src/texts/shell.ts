import { counted } from "./counted.ts";

const sessionEnded = "Your session has ended";
const mayBeChanged =
  "Your password may already have been changed: sign in with the new one, or with the former one if the shop rejects it.";
const mayBeSignedOut =
  "You may already have been signed out everywhere: to be sure, sign in again and look at the sessions of your account.";

/** The texts of the frame around all pages. */
export const shellTexts = {
  skipToContent: "Skip to content",
  mainNavigation: "Main",
  catalogue: "Catalogue",
  basket: "Basket",
  basketWith: (pieces: number) => `Basket, ${counted(pieces, "piece", "pieces")}`,
  orders: "Orders",
  admin: "Admin",
  operations: "Operations",
  account: "Account",
  accountMenu: "Account menu",
  signIn: "Sign in",
  signOut: "Sign out",
  signedOut: "You are signed out.",
  signedOutHere:
    "You are signed out in this browser. The shop did not answer and may keep the session open: to end it, sign in again and look at the sessions of your account.",
  themeMenu: "Colour scheme",
  themes: { system: "As the system", light: "Light", dark: "Dark" },
  connections: {
    offline: "You are offline. What you see may be out of date.",
    lost: "The shop does not answer. What you see may be out of date.",
  },
  ends: {
    ended: "Your session has ended. Sign in again to go on; your basket is kept.",
    password: `Your session has ended. ${mayBeChanged}`,
    everywhere: `Your session has ended. ${mayBeSignedOut}`,
  },
  signInAgain: {
    ended: { title: sessionEnded, text: "" },
    password: { title: sessionEnded, text: mayBeChanged },
    everywhere: { title: sessionEnded, text: mayBeSignedOut },
    "signed-out-elsewhere": {
      title: "You are signed out",
      text: "You have signed out in another tab.",
    },
  },
  editsKept: "Your changes on this page are kept. Sign in again to go on with them.",
  signInFirst: "Sign in to see this page",
  signInFirstText: "It needs an account.",
  noAccessTitle: "This page is not for your account",
  noAccessTexts: {
    admin: "Only admins can open it.",
    "operating-admin": "Only admins with the right to operate the shop can open it.",
  },
};
