import { adminUserTexts } from "../../texts/admin/users.ts";
import { Badge } from "../../ui/states.tsx";
import { userTypes } from "../../session/user-types.ts";
import type { AdminUserRowFragment } from "./users.graphql.ts";

/** What a user may do. */
export function RoleBadge({ user }: { user: Pick<AdminUserRowFragment, "type" | "mayOperate"> }) {
  if (user.type !== userTypes.admin) return <Badge kind="neutral">{adminUserTexts.customer}</Badge>;
  if (user.mayOperate) return <Badge kind="warning">{adminUserTexts.operator}</Badge>;
  return <Badge kind="info">{adminUserTexts.admin}</Badge>;
}
