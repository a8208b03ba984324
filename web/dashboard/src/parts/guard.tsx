/** What fails within it takes nothing else of the page along. */

import { Component, type ReactNode } from "react";
import { Button, Trouble } from "./basics.js";

interface Shown {
  readonly error: unknown;
}

export class Guard extends Component<{ readonly children: ReactNode }, Shown> {
  override state: Shown = { error: null };

  static getDerivedStateFromError(error: unknown): Shown {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <Trouble
        title="This screen cannot be shown"
        action={<Button onClick={() => this.setState({ error: null })}>Try again</Button>}
      >
        {`${error}`}
      </Trouble>
    );
  }
}
