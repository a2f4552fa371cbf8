import { useEffect, useEffectEvent, useState } from "react";
import { WifiOff } from "lucide-react";
import { askShop, probeEveryMs } from "../../api/watched-fetch.ts";
import { commonTexts } from "../../texts/common.ts";
import { Button } from "../../ui/actions/button.tsx";
import { EmptyState } from "../../ui/states.tsx";

async function isReachable(): Promise<boolean> {
  return (await askShop())?.ok === true;
}

/**
 * Reloads the page if the shop answers. Browsers remember that a file could not be loaded, so that only a
 * reload tries it again; without a connection, the reload would end in the browser's own error page.
 */
async function reloadIfReachable(): Promise<void> {
  if (await isReachable()) location.reload();
}

/**
 * Reloads the page when the shop answers again. If it has answered all the time, another reload would not
 * mend the file, and the page would reload for ever. Returns what ends the asking.
 */
function reloadOnAnswer(): () => void {
  let hasEnded = false;
  let wasUnreachable = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async () => {
    const isReachableNow = await isReachable();
    if (hasEnded) return;
    if (isReachableNow && wasUnreachable) {
      location.reload();
      return;
    }
    if (!isReachableNow) wasUnreachable = true;
    timer = setTimeout(() => void ask(), probeEveryMs);
  };
  void ask();
  return () => {
    hasEnded = true;
    clearTimeout(timer);
  };
}

/** What is shown in place of a page whose file could not be loaded. */
export function PageNotLoadedState() {
  const [isPending, setPending] = useState(false);
  const retry = async () => {
    setPending(true);
    await reloadIfReachable();
    setPending(false);
  };
  useEffect(reloadOnAnswer, []);
  const retryOnline = useEffectEvent(() => void retry());
  useEffect(() => {
    const listener = () => {
      retryOnline();
    };
    window.addEventListener("online", listener);
    return () => {
      window.removeEventListener("online", listener);
    };
  }, []);
  const action = (
    <Button look="primary" isPending={isPending} onPress={() => void retry()}>
      {commonTexts.tryAgain}
    </Button>
  );
  return (
    <div role="alert">
      <EmptyState icon={<WifiOff />} title={commonTexts.notLoadedTitle} action={action}>
        {commonTexts.notLoadedText}
      </EmptyState>
    </div>
  );
}
