import { useState } from "react";
import { ArrowLeft, MailCheck } from "lucide-react";
import { Link } from "wouter";
import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { NotFound } from "../../app/not-found.tsx";
import { Page } from "../../app/page.tsx";
import { useShopMutation, useShopPages } from "../../api/use-shop.ts";
import { deadLetterTexts } from "../../texts/operations.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { formatNumber } from "../../ui/format.ts";
import { More } from "../../ui/more.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states.tsx";
import { showToast } from "../../ui/toast.tsx";
import operations from "../operations.module.css";
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
  const { pages, isPending, isSuccess, error, refetch } = query;
  const letters = pages.flat();
  // No service with this name has consumers.
  if (isShopError(error, "BAD_USER_INPUT")) return <NotFound />;
  return (
    <Page
      title={deadLetterTexts.title(consumer)}
      actions={letters.length > 0 && <RedriveAll consumer={consumer} />}
    >
      <Link href="/operations/events" className={operations.back}>
        <ArrowLeft size={16} aria-hidden /> {deadLetterTexts.back}
      </Link>
      <p className={styles.intro}>{deadLetterTexts.intro}</p>
      {isPending && <Skeleton count={3} height={160} />}
      {error && letters.length === 0 && <ErrorState error={error} onRetry={() => void refetch()} />}
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

function RedriveAll({ consumer }: { consumer: string }) {
  const [isAsking, setAsking] = useState(false);
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
    <>
      <Button
        look="primary"
        onPress={() => {
          setAsking(true);
        }}
      >
        {deadLetterTexts.redriveAll}
      </Button>
      <ConfirmDialog
        title={deadLetterTexts.redriveAll}
        confirmLabel={deadLetterTexts.redriveAll}
        isOpen={isAsking}
        onClose={() => {
          setAsking(false);
        }}
        onConfirm={redriveAll}
      >
        {deadLetterTexts.redriveAllText}
      </ConfirmDialog>
    </>
  );
}
