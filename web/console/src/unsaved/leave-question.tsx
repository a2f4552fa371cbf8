import { commonTexts } from "../texts/common.ts";
import { Button } from "../ui/actions/button.tsx";
import { Dialog, DialogButtons } from "../ui/actions/dialog.tsx";
import { useQuestion } from "./unsaved-edits.ts";

/** The dialog that asks before unsaved edits are lost. */
export function LeaveQuestion() {
  const question = useQuestion();
  const stay = () => {
    question?.answer(false);
  };
  return (
    <Dialog title={commonTexts.unsavedTitle} isOpen={question !== undefined} onClose={stay}>
      <p>{commonTexts.unsavedText}</p>
      <DialogButtons>
        <Button onPress={stay}>{commonTexts.keepEditing}</Button>
        <Button
          look="danger"
          onPress={() => {
            question?.answer(true);
          }}
        >
          {commonTexts.discardEdits}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
