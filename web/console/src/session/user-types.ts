/** The values of `User.type`. */
export const userTypes = { customer: 0, admin: 1 } as const;
