import { action, event } from "../../../core/contract.ts";
import { emailPattern } from "../../../core/email.ts";
import { exactText, id, int, line, optional, text } from "../../../core/validation.ts";
import { passwordRule, anyPasswordRule, costOfHash } from "../passwords/passwords.contract.ts";
import { userTypeRule, type Success, type User } from "./accounts.contract.ts";

export interface NewUser {
  email: string;
  username: string;
  password: string;
  type: number;
}

export interface SetUserType {
  id: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type: number;
}

export interface SetUserRights {
  id: string;
  /** Whether the admin may call actions with the access rule `operations`. */
  mayOperate: boolean;
}

/** At least one of username and email. */
export interface UpdateProfile {
  username?: string;
  email?: string;
  /** The current password. An email requires it. */
  password?: string;
}

export interface UserRegistered {
  user_id: string;
  username: string;
  type: number;
}

/** The profile after a change. */
export interface UserUpdated {
  user_id: string;
  username: string;
  /** 2 after the first change. */
  version: number;
}

/** The personal data of the user were erased, also in the earlier events of the log. */
export interface UserErased {
  user_id: string;
}

const emailText = text(3, 254);
/** The rule of a new email. Stored ones may be others: version 1.0 accepted more texts. */
const email = {
  ...emailText,
  pattern: emailPattern,
  messages: {
    ...(emailText.messages as object),
    stringPattern: "'{field}' must be an email address.",
  },
};

/** The actions that create, change and erase accounts. */
export const accountChangeActions = {
  register: action<NewUser, User>({
    params: { email, username: line(1, 100), password: passwordRule, type: userTypeRule },
    access: "everyone",
    graphql: {
      mutation: `
        """
        Creates an account. Everyone can create an account of type 0. Errors: BAD_USER_INPUT,
        EMAIL_TAKEN, TOO_MANY_REQUESTS; for type 1 also UNAUTHENTICATED, FORBIDDEN.
        """
        registerUser("The account to create" input: NewUser!): User!
      `,
      cost: costOfHash,
    },
  }),
  updateProfile: action<UpdateProfile, User>({
    params: {
      username: optional(line(1, 100)),
      email: optional(email),
      password: optional(anyPasswordRule),
    },
    access: "signed-in",
    graphql: {
      mutation: `
        """
        Changes the username or the email of the caller. A new email requires the password, and
        ends all other sessions of the caller. For signed-in users. Errors: UNAUTHENTICATED,
        BAD_USER_INPUT, EMAIL_TAKEN, INVALID_CREDENTIALS, TOO_MANY_REQUESTS.
        """
        updateProfile("The fields to change" input: UpdateProfile!): User!
      `,
      cost: costOfHash,
    },
  }),
  erase: action<{ id: string }, Success>({
    params: { id: id() },
    access: "admin",
    graphql: {
      mutation: `
        """
        Erases the personal data of another user: account, sessions, names and addresses. This
        cannot be undone. The orders of the user stay without email and username. For admins;
        FORBIDDEN for the account of an admin who may operate the shop, if the caller may not.
        Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND, LAST_ADMIN.
        """
        eraseUser("The id of the user. FORBIDDEN for the caller's own id." id: ID!): Success!
      `,
    },
  }),
  setType: action<SetUserType, User>({
    params: { id: id(), type: userTypeRule },
    access: "admin",
    graphql: {
      mutation: `
        """
        Changes the type of another user, and ends all sessions of that user. For admins; FORBIDDEN
        for the account of an admin who may operate the shop, if the caller may not. Errors:
        UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND, LAST_ADMIN.
        """
        setUserType("The user and the new type" input: SetUserType!): User!
      `,
    },
  }),
  setRights: action<SetUserRights, User>({
    params: { id: id(), mayOperate: { type: "boolean" } },
    access: "operations",
    graphql: {
      mutation: `
        """
        Grants another admin the right to operate the shop or takes it away, and ends all sessions
        of that admin. For admins with that right. Errors: UNAUTHENTICATED, FORBIDDEN,
        BAD_USER_INPUT (the user is no admin), USER_NOT_FOUND, LAST_ADMIN.
        """
        setUserRights("The admin and the new rights" input: SetUserRights!): User!
      `,
    },
  }),
};

/** The events of accounts. */
export const userEvents = {
  "user.registered": event<UserRegistered>(1, {
    user_id: id(),
    username: exactText(1, 100),
    type: userTypeRule,
  }),
  "user.updated": event<UserUpdated>(1, {
    user_id: id(),
    username: exactText(1, 100),
    version: int(1),
  }),
  "user.erased": event<UserErased>(1, { user_id: id() }),
};
