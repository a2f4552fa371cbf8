import type { Query } from "./statements/prepared-statements.ts";

/** The text that replaces names and emails of erased users. Rules for names accept it. */
export const erasedText = "erased";

/** Remembers that the personal data of users were erased. */
export async function storeErasedUsers(query: Query, userIds: string[]): Promise<void> {
  await query(
    "INSERT INTO erased_users (id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING",
    [userIds],
  );
}
