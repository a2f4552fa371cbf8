import { useEffect, useRef, useState } from "react";
import { errorText } from "../../../api/error-text.ts";
import { adminProductTexts } from "../../../texts/admin/products.ts";
import { mayDiscardEdits, useUnsavedEdits } from "../../../unsaved/unsaved-edits.ts";
import { Button } from "../../../ui/actions/button.tsx";
import { Notice, showNotice } from "../../../ui/states.tsx";
import { Table } from "../../../ui/lists/table.tsx";
import { Row } from "../../../ui/card.tsx";
import {
  entriesOf,
  isSame,
  productFields,
  type ProductEntries,
  type ProductField,
} from "./product-edits.ts";
import type { AdminProductFactsFragment } from "../products.graphql.ts";
import styles from "../products.module.css";

/** The edits of a user that another change has overtaken, and what is saved now. */
export interface Conflict {
  edits: Partial<ProductEntries>;
  saved: AdminProductFactsFragment;
}

interface ProductConflictProps {
  conflict: Conflict;
  isPending: boolean;
  error: unknown;
  /** Gets the edits that the user has chosen. */
  onSave: (edits: Partial<ProductEntries>) => void;
  onDiscard: () => void;
}

/** Shows what two admins have made of a product. The user chooses for each field that differs. */
export function ProductConflict(props: ProductConflictProps) {
  const { conflict, isPending, error, onSave, onDiscard } = props;
  useUnsavedEdits(() => true);
  const [dropped, setDropped] = useState<ReadonlySet<ProductField>>(new Set());
  const root = useRef<HTMLDivElement>(null);
  // The conflict takes the place of a form whose button can be far below its beginning.
  useEffect(() => {
    showNotice(root.current);
  }, []);
  const saved = entriesOf(conflict.saved);
  const rows = productFields.map((field): ConflictRow => {
    const edit = conflict.edits[field];
    const isChoice = edit !== undefined && !isSame(field, edit, saved[field]);
    return { field, theirs: saved[field], yours: isChoice ? edit : undefined };
  });
  const save = () => {
    const kept = rows.filter(({ field, yours }) => yours !== undefined && !dropped.has(field));
    if (kept.length === 0) onDiscard();
    else onSave(Object.fromEntries(kept.map(({ field, yours }) => [field, yours])));
  };
  const discard = async () => {
    // The second press of a double click on the form's button can fall on this one.
    if (await mayDiscardEdits()) onDiscard();
  };
  return (
    <>
      <div ref={root}>
        <Notice kind="warning">
          <strong>{adminProductTexts.conflictTitle}</strong>
          <div>{adminProductTexts.conflictText}</div>
        </Notice>
      </div>
      <ConflictTable rows={rows} dropped={dropped} onChange={setDropped} />
      {error !== null && <Notice kind="danger">{errorText(error)}</Notice>}
      <Row>
        <Button look="primary" isPending={isPending} onPress={save}>
          {adminProductTexts.saveChosen}
        </Button>
        <Button onPress={() => void discard()}>{adminProductTexts.discard}</Button>
      </Row>
    </>
  );
}

/** A field with the saved value and, if the user can choose, the edit. */
interface ConflictRow {
  field: ProductField;
  theirs: string;
  yours: string | undefined;
}

interface ConflictTableProps {
  rows: readonly ConflictRow[];
  /** The fields whose edits the user does not want. */
  dropped: ReadonlySet<ProductField>;
  onChange: (dropped: ReadonlySet<ProductField>) => void;
}

function ConflictTable({ rows, dropped, onChange }: ConflictTableProps) {
  const drop = (field: ProductField) => {
    onChange(new Set([...dropped, field]));
  };
  const keep = (field: ProductField) => {
    onChange(new Set([...dropped].filter((other) => other !== field)));
  };
  return (
    <Table
      caption={adminProductTexts.conflictTitle}
      columns={[
        {
          title: adminProductTexts.field,
          cell: ({ field }) => <span className={styles.field}>{adminProductTexts[field]}</span>,
        },
        {
          title: adminProductTexts.theirs,
          cell: ({ field, theirs, yours }) =>
            yours === undefined ? (
              <span className={styles.text}>{theirs}</span>
            ) : (
              <Choice
                field={field}
                side="theirs"
                text={theirs}
                isChosen={dropped.has(field)}
                onChoose={drop}
              />
            ),
        },
        {
          title: adminProductTexts.yours,
          cell: ({ field, yours }) =>
            yours === undefined ? (
              adminProductTexts.unedited
            ) : (
              <Choice
                field={field}
                side="yours"
                text={yours}
                isChosen={!dropped.has(field)}
                onChoose={keep}
              />
            ),
        },
      ]}
      rows={rows}
      keyOf={({ field }) => field}
    />
  );
}

interface ChoiceProps {
  field: ProductField;
  side: "theirs" | "yours";
  text: string;
  isChosen: boolean;
  onChoose: (field: ProductField) => void;
}

/** One of the two values between which the user chooses. */
function Choice({ field, side, text, isChosen, onChoose }: ChoiceProps) {
  return (
    <label className={styles.choice}>
      <input
        type="radio"
        name={`choice-${field}`}
        aria-label={adminProductTexts.choice(adminProductTexts[field], adminProductTexts[side])}
        checked={isChosen}
        onChange={() => {
          onChoose(field);
        }}
      />
      <span className={styles.text}>{text === "" ? adminProductTexts.noSku : text}</span>
    </label>
  );
}
