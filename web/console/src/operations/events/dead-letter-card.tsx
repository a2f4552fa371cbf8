import { Link } from "wouter";
import { errorText } from "../../api/error-text.ts";
import { useShopMutation } from "../../api/use-shop.ts";
import { deadLetterTexts, operationsTexts } from "../../texts/operations.ts";
import { Button } from "../../ui/actions/button.tsx";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { Notice } from "../../ui/states.tsx";
import { showToast } from "../../ui/toast.tsx";
import {
  DeadLettersDocument,
  EventConsumersDocument,
  RedriveDeadLetterDocument,
  type DeadLettersQuery,
} from "./events.graphql.ts";
import { prettyJson } from "./pretty-json.ts";
import styles from "./events.module.css";

type DeadLetter = DeadLettersQuery["deadLetters"]["nodes"][number];

interface DeadLetterCardProps {
  consumer: string;
  letter: DeadLetter;
}

/** An event that could not be applied, with the button that applies it again. */
export function DeadLetterCard({ consumer, letter }: DeadLetterCardProps) {
  const { id, producer, type, version, position, reason, payload, payloadIsCut } = letter;
  const { mutate, isPending, error } = useShopMutation(RedriveDeadLetterDocument, {
    invalidates: [DeadLettersDocument, EventConsumersDocument],
    onSuccess({ redriveDeadLetter: { redriven } }) {
      showToast(redriven ? deadLetterTexts.redriven : deadLetterTexts.wasGone);
    },
  });
  return (
    <article className={styles.letter}>
      <div className={styles.head}>
        <h2>
          {type}{" "}
          <span className={styles.producer}>
            v{version} · {producer}
          </span>
        </h2>
        <Button
          isSmall
          isPending={isPending}
          aria-label={deadLetterTexts.redriveNamed(type, formatNumber(position))}
          onPress={() => {
            mutate({ consumer, id });
          }}
        >
          {deadLetterTexts.redrive}
        </Button>
      </div>
      <p className={styles.reason}>
        <span className="visually-hidden">{deadLetterTexts.reason}: </span>
        {reason}
      </p>
      {error && <Notice kind="danger">{errorText(error)}</Notice>}
      <Facts letter={letter} />
      <details className={styles.payload}>
        <summary>{deadLetterTexts.payload}</summary>
        <pre>{prettyJson(payload)}</pre>
        {payloadIsCut && <p className={styles.intro}>{deadLetterTexts.cut}</p>}
      </details>
    </article>
  );
}

function Facts({ letter }: { letter: DeadLetter }) {
  const { type, position, entityId, occurredAt, at } = letter;
  const isOfOrder = entityId !== null && type.startsWith("order.");
  const facts = [
    { term: deadLetterTexts.position, text: formatNumber(position) },
    { term: deadLetterTexts.occurred, text: formatTime(occurredAt) },
    { term: deadLetterTexts.moved, text: formatTime(at) },
    { term: deadLetterTexts.entity, text: entityId ?? operationsTexts.none },
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(({ term, text }) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{text}</dd>
        </div>
      ))}
      {isOfOrder && (
        <div>
          <dt>{operationsTexts.trace}</dt>
          <dd>
            <Link href={`/operations/trace/${entityId}`}>{deadLetterTexts.toTrace}</Link>
          </dd>
        </div>
      )}
    </dl>
  );
}
