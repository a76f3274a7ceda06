import { Button } from "../design";
import type { Refusal } from "../gateway";
import { Notice } from "./Notice";

interface Props {
  refusal: Refusal;
  /** Ask once more. */
  onAgain?(): void;
}

/** Why something could not be shown, in words, and what can be done about it. */
export function ErrorNotice({ refusal, onAgain }: Props) {
  const isOutdated = refusal.kind === "outdated";
  return (
    <Notice
      isAlert
      icon="warning"
      title={refusal.title}
      actions={
        isOutdated ? (
          <Button kind="main" onClick={() => location.reload()}>
            Load the page again
          </Button>
        ) : (
          onAgain && (
            <Button icon="reload" onClick={onAgain}>
              Try again
            </Button>
          )
        )
      }
    >
      {refusal.detail}
    </Notice>
  );
}
