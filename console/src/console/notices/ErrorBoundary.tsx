import { Component, type ReactNode } from "react";

import { Button } from "../design";
import { Notice } from "./Notice";

interface Props {
  children: ReactNode;
}

/**
 * Says that a part of the page has failed, in its place. What else is on the page goes on. After
 * the gateway was replaced, parts that were not loaded yet are gone.
 */
export class ErrorBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <Notice
        isAlert
        icon="warning"
        title="This part of the page has failed."
        actions={
          <Button kind="main" onClick={() => location.reload()}>
            Load the page again
          </Button>
        }
      >
        It may be of another version than the gateway. Nothing was changed by this.
      </Notice>
    );
  }
}
