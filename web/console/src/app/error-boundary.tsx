import { Component, type ReactNode } from "react";
import { Bug } from "lucide-react";
import { commonTexts } from "../texts/common.ts";
import { Button } from "../ui/actions/button.tsx";
import { EmptyState } from "../ui/states.tsx";
import { PageNotLoaded } from "./pages/lazy-page.ts";
import { PageNotLoadedState } from "./pages/page-not-loaded.tsx";

interface Props {
  /** Another path is another page, which may work. */
  path: string;
  children: ReactNode;
}

interface State {
  failedPath: string | undefined;
  isNotLoaded: boolean;
}

/** Shows a message in place of a page whose code fails. The frame around it still works. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failedPath: undefined, isNotLoaded: false };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { failedPath: "", isNotLoaded: error instanceof PageNotLoaded };
  }

  override componentDidCatch(): void {
    this.setState({ failedPath: this.props.path });
  }

  override render(): ReactNode {
    const { failedPath, isNotLoaded } = this.state;
    const { path, children } = this.props;
    if (failedPath !== "" && failedPath !== path) return children;
    if (isNotLoaded) return <PageNotLoadedState />;
    const reload = () => {
      location.reload();
    };
    const action = (
      <Button look="primary" onPress={reload}>
        {commonTexts.reload}
      </Button>
    );
    return (
      <EmptyState icon={<Bug />} title={commonTexts.crashTitle} action={action}>
        {commonTexts.crashText}
      </EmptyState>
    );
  }
}
