import { useLayoutEffect, useRef } from "react";
import { useLocation } from "wouter";

/**
 * Returns the function that opens another page, for what follows a request. It does nothing if the user
 * has left the component's page meanwhile.
 */
export function useNavigate(): (path: string) => void {
  const [, navigate] = useLocation();
  const isHere = useRef(false);
  // A layout effect ends when the page is left, also while the next page is still loading.
  useLayoutEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  return (path) => {
    if (isHere.current) navigate(path);
  };
}
