import { Compass } from "lucide-react";
import { commonTexts } from "../../texts/common.ts";
import { LinkButton } from "../../ui/actions/button.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { Page } from "./page.tsx";

/** The page of an address that does not exist. */
export function NotFound() {
  const action = <LinkButton href="/">{commonTexts.toCatalogue}</LinkButton>;
  return (
    <Page title={commonTexts.notFoundTitle}>
      <EmptyState icon={<Compass />} title={commonTexts.missingText} action={action} />
    </Page>
  );
}
