import { Refusal } from "../../core/errors.ts";

export const userNotFound = () => new Refusal("USER_NOT_FOUND", "There is no such user.");

const emailTaken = () => new Refusal("EMAIL_TAKEN", "Another account has this email.");

/** The same for a wrong password and an unknown email: it tells nobody who has an account. */
export const invalidCredentials = () =>
  new Refusal("INVALID_CREDENTIALS", "Email and password do not belong together.");

export const tooManyLogins = (retryAfterSeconds: number) =>
  new Refusal("TOO_MANY_REQUESTS", "Too many sign-ins at once; try again in a moment.", {
    retryAfter: retryAfterSeconds,
  });

/** What a broken constraint of the users database means. */
export const usersConstraints = { users_email_key_unique: emailTaken };
