import { action } from "../../../core/contract.ts";
import { loader } from "../../../core/graphql/loader.ts";
import {
  connectionRules,
  pageArguments,
  searchRule,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../../core/relay-connection.ts";
import { id, int, listRules, oneOf, optional, type ListPage } from "../../../core/validation.ts";

export interface User {
  id: string;
  email: string;
  username: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type: number;
  /** Whether the user may call actions with the access rule `operations`. Only admins may. */
  mayOperate: boolean;
  /** The time of the last change of email, username or type, or of the registration. ISO 8601, UTC. */
  updatedAt: string;
}

export interface Success {
  success: boolean;
}

/** The criteria for accounts. */
export interface UserFilter {
  /** The start of a username or of an email. */
  search?: string;
  /** 0 DEFAULT, 1 ADMIN. */
  type?: number;
}

const userSorts = [
  "OLDEST_FIRST",
  "NEWEST_FIRST",
  "USERNAME_ASC",
  "USERNAME_DESC",
] as const satisfies string[];

export type UserSort = (typeof userSorts)[number];

export interface UsersPage extends PageArguments, UserFilter {
  /** OLDEST_FIRST by default. */
  sort?: UserSort;
}

export const userTypeRule = int(0, 1);
const filterRules = { search: searchRule, type: optional(userTypeRule) };

/** The actions that read accounts. */
export const accountActions = {
  get: action<{ id: string }, User>({
    params: { id: id() },
    access: { publicReads: "signed-in" },
    graphql: {
      query: `
        """
        One account. Users can read their own account, admins can read all accounts. Errors:
        UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND.
        """
        user("The id of the account" id: ID!): User!
      `,
    },
  }),
  me: action<object, User | null>({
    params: {},
    access: "everyone",
    graphql: {
      query: `
        """
        The account of the caller; null without a token. For everyone. Errors: UNAUTHENTICATED (the
        token is expired or invalid).
        """
        me: User
      `,
    },
  }),
  list: action<ListPage, User[]>({
    params: listRules,
    access: { publicReads: "admin" },
    graphql: {
      query: `
        """
        The accounts, oldest first. For admins. usersConnection reads more than 1,000 accounts.
        Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
        """
        users(
          "The maximum number of accounts, 1 to 1,000"
          limit: Int = 1000
          "The number of accounts to skip, 0 or more"
          offset: Int = 0
        ): [User!]!
      `,
      rowsPerCall: 500,
    },
  }),
  page: action<UsersPage, RelayConnection<User>>({
    params: { ...connectionRules, ...filterRules, sort: optional(oneOf(userSorts)) },
    access: { publicReads: "admin" },
    graphql: {
      query: `
        """
        A page of the accounts. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
        """
        usersConnection(
          ${pageArguments}
          "The start of a username or of an email, at most 200 characters, case-insensitive"
          search: String
          "Which accounts to return; all if it is not given"
          filter: UserFilter
          "The order of the accounts"
          sort: UserSort = OLDEST_FIRST
        ): UserConnection!
      `,
      countedBy: "count",
    },
  }),
  /** Counts the accounts that match a filter. */
  count: action<UserFilter, RowCount>({
    params: filterRules,
    gateway: true,
    safeToRetry: true,
    access: { publicReads: "admin" },
  }),
  /**
   * Returns users in the order of the ids; null for an id that is unknown, or that the caller may
   * not read.
   */
  resolve: loader<User | null>(500, { publicReads: "signed-in" }),
};
