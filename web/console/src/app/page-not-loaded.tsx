import { useEffect, useEffectEvent, useState } from "react";
import { WifiOff } from "lucide-react";
import { commonTexts } from "../texts/common.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/states.tsx";

/**
 * Reloads the page if the shop answers. Browsers remember that a file could not be loaded, so that only a
 * reload tries it again; without a connection, the reload would end in the browser's own error page.
 */
async function reloadIfReachable(): Promise<void> {
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => undefined);
  if (answer?.ok === true) location.reload();
}

/** What is shown in place of a page whose file could not be loaded. */
export function PageNotLoadedState() {
  const [isPending, setPending] = useState(false);
  const retry = async () => {
    setPending(true);
    await reloadIfReachable();
    setPending(false);
  };
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
