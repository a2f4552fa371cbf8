import { useEffect, useEffectEvent, useRef } from "react";
import { commonTexts } from "../../texts/common.ts";
import { Button } from "../actions/button.tsx";
import styles from "./more.module.css";

interface MoreProps {
  hasMore: boolean;
  isLoading: boolean;
  onMore: () => void;
}

/** Loads the next page of a list when its end comes near, or by a button. */
export function More({ hasMore, isLoading, onMore }: MoreProps) {
  const end = useRef<HTMLDivElement>(null);
  const load = useEffectEvent(() => {
    if (hasMore && !isLoading) onMore();
  });
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) load();
      },
      { rootMargin: "600px" },
    );
    if (end.current) observer.observe(end.current);
    return () => {
      observer.disconnect();
    };
    // Observed again after each page: the end may still be in view, which is no change of it.
  }, [isLoading]);
  return (
    <div ref={end} className={styles.more}>
      {hasMore && (
        <Button isPending={isLoading} onPress={onMore}>
          {isLoading ? commonTexts.loading : commonTexts.showMore}
        </Button>
      )}
    </div>
  );
}
