import { Component, type ReactNode } from "react";
import { Bug } from "lucide-react";
import { commonTexts } from "../texts/common.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/states.tsx";

interface Props {
  /** Another path is another page, which may work. */
  path: string;
  children: ReactNode;
}

interface State {
  failedPath: string | undefined;
}

/** Shows a message in place of a page whose code fails. The frame around it still works. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failedPath: undefined };

  static getDerivedStateFromError(): Partial<State> {
    return { failedPath: "" };
  }

  override componentDidCatch(): void {
    this.setState({ failedPath: this.props.path });
  }

  override render(): ReactNode {
    const { failedPath } = this.state;
    const { path, children } = this.props;
    if (failedPath !== "" && failedPath !== path) return children;
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
