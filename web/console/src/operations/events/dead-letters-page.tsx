import { MailCheck } from "lucide-react";
import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { NotFound } from "../../app/pages/not-found.tsx";
import { Page } from "../../app/pages/page.tsx";
import { useShopMutation, useShopPages } from "../../api/use-shop.ts";
import { deadLetterTexts } from "../../texts/operations.ts";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { More } from "../../ui/lists/more.tsx";
import { EmptyState, QueryState } from "../../ui/states.tsx";
import { showToast } from "../../ui/toast.tsx";
import { DeadLetterCard } from "./dead-letter-card.tsx";
import {
  DeadLettersDocument,
  EventConsumersDocument,
  RedriveDeadLettersDocument,
} from "./events.graphql.ts";
import styles from "./events.module.css";

const pageRows = 20;

/** The dead letters of one consumer. */
export default function DeadLettersPage({ consumer }: { consumer: string }) {
  const query = useShopPages(
    DeadLettersDocument,
    { consumer, first: pageRows },
    (data) => data.deadLetters,
  );
  const { pages, isPending, isSuccess, error } = query;
  const letters = pages.flat();
  // No service with this name has consumers.
  if (isShopError(error, "BAD_USER_INPUT")) return <NotFound />;
  return (
    <Page
      title={deadLetterTexts.title(consumer)}
      actions={<RedriveAll consumer={consumer} isOffered={letters.length > 0} />}
    >
      <BackLink href="/operations/events">{deadLetterTexts.back}</BackLink>
      <p className={styles.intro}>{deadLetterTexts.intro}</p>
      {(isPending || (error !== null && letters.length === 0)) && (
        <QueryState query={query} count={3} height={160} />
      )}
      {isSuccess && letters.length === 0 && (
        <EmptyState icon={<MailCheck />} title={deadLetterTexts.noneTitle}>
          {deadLetterTexts.noneText}
        </EmptyState>
      )}
      <ul className={styles.list}>
        {letters.map((letter) => (
          <li key={letter.id}>
            <DeadLetterCard consumer={consumer} letter={letter} />
          </li>
        ))}
      </ul>
      <More
        hasMore={query.hasNextPage}
        isLoading={query.isFetchingNextPage}
        onMore={() => void query.fetchNextPage()}
      />
    </Page>
  );
}

interface RedriveAllProps {
  consumer: string;
  /** The button is shown. */
  isOffered: boolean;
}

function RedriveAll({ consumer, isOffered }: RedriveAllProps) {
  const { mutateAsync } = useShopMutation(RedriveDeadLettersDocument, {
    invalidates: [DeadLettersDocument, EventConsumersDocument],
  });
  const redriveAll = async () => {
    let [applied, failed, hasMore] = [0, 0, true];
    while (hasMore) {
      const { redriveDeadLetters: result } = await mutateAsync({ consumer });
      applied += result.redriven;
      ({ failed } = result);
      // Without an applied one, the next call would try the same ones again.
      hasMore = result.more && result.redriven > 0;
    }
    showToast(deadLetterTexts.redrivenAll(formatNumber(applied), formatNumber(failed)));
  };
  return (
    <ConfirmButton
      isOffered={isOffered}
      look="primary"
      label={deadLetterTexts.redriveAll}
      onConfirm={redriveAll}
    >
      {deadLetterTexts.redriveAllText}
    </ConfirmButton>
  );
}
