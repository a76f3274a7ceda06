import { type RefObject, useEffect, useRef } from "react";

import { go, useAddress } from "../address";
import { ErrorNotice, Notice } from "../notices";
import { Button, wordOf } from "../design";
import { useKey } from "../keyboard";
import { useList } from "../list/useList";
import { DrawerHead } from "./DrawerHead";
import { ErrorMessage } from "./ErrorMessage";
import styles from "./execution.module.css";
import { Facts } from "./Facts";
import { Related } from "./Related";
import { Steps } from "./Steps";
import { Times } from "./Times";
import { type Opened, useExecution } from "./useExecution";
import { useFullPage } from "./useFullPage";

const GROUP = "Open execution";

/** One execution, beside the view that it was opened from; on a phone it has the whole page. */
export default function ExecutionDrawer({ guid }: { guid: string }) {
  const list = useList();
  const opened = useExecution(guid);
  const panel = useRef<HTMLElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const whyNot = useWhyNot(guid);
  const { execution, standing } = opened;

  function step(by: -1 | 1) {
    if (whyNot(by) === undefined) list.move(by);
  }
  const close = () => go({ execution: "" });
  useKey({ keys: "j", name: "Next execution", group: GROUP, run: () => step(1) });
  useKey({ keys: "k", name: "Previous execution", group: GROUP, run: () => step(-1) });
  useKey({ keys: "Escape", name: "Close the execution", group: GROUP, run: close });
  useFullPage(panel);
  useFocus(title);

  useEffect(() => {
    // What keys lead to is read from its beginning.
    panel.current?.querySelector("[data-scrolls]")?.scrollTo(0, 0);
  }, [guid]);

  return (
    <aside ref={panel} aria-label="Execution" className={styles.drawer}>
      <DrawerHead
        guid={guid}
        opened={opened}
        titleRef={title}
        whyNot={whyNot}
        onStep={step}
        onClose={close}
      />
      <div data-scrolls className={styles.content}>
        <Content key={guid} guid={guid} opened={opened} onClose={close} />
      </div>
      <div role="status" className="visually-hidden">
        {standing === "deleted" && "This execution was deleted."}
        {standing === "there" &&
          execution &&
          `${execution.agentflowName ?? execution.agentflowId}: ${wordOf(execution.state)}`}
      </div>
    </aside>
  );
}

interface ContentProps {
  guid: string;
  opened: Opened;
  onClose(): void;
}

function Content({ guid, opened, onClose }: ContentProps) {
  const { execution, standing, refusal, changes, again } = opened;
  if (standing === "missing") {
    return (
      <Notice
        icon="search"
        title="There is no such execution."
        actions={<Button onClick={onClose}>Close</Button>}
      >
        <p>
          None has the guid <code className={styles.guid}>{guid}</code>. It was deleted, or the link
          is not whole, or your key does not see it.
        </p>
      </Notice>
    );
  }
  if (!execution && refusal) return <ErrorNotice refusal={refusal} onAgain={again} />;
  // Before it is loaded, keys may lead past it, and what is below is not asked for.
  const isWanted = standing !== "unknown";
  return (
    <div aria-busy={!isWanted && refusal === null}>
      {standing === "deleted" && (
        <p className={styles.deleted}>
          This execution was deleted. What you see is what it was last.
        </p>
      )}
      {refusal && <ErrorNotice refusal={refusal} onAgain={again} />}
      <Times execution={execution} />
      {execution && <ErrorMessage execution={execution} />}
      <Facts execution={execution} />
      {execution && (isWanted || !refusal) && (
        <>
          {standing !== "deleted" && (
            <Steps execution={execution} changes={changes} isWanted={isWanted} />
          )}
          <Related execution={execution} isWanted={isWanted} />
        </>
      )}
    </div>
  );
}

/** Why there is no step to the execution before it, or after it; undefined if there is one. */
function useWhyNot(guid: string): (by: -1 | 1) => string | undefined {
  const { rows, neighboursOf } = useList();
  const { view } = useAddress();
  const { before, after } = neighboursOf(guid);
  const isListed = before !== null || after !== null || rows[0]?.guid === guid;
  return (by) => {
    // From outside of the list, a step leads into what is seen of it.
    if (!isListed) return view === "executions" && rows[0] ? undefined : "it is not in the list";
    if (by < 0) return before === null ? "there is none before it in the list" : undefined;
    return after === null ? "there is none after it in the list" : undefined;
  };
}

/** Moves the focus to the title when it is opened, and back to where it was when it is closed. */
function useFocus(title: RefObject<HTMLElement | null>) {
  useEffect(() => {
    const { activeElement: before, body } = document;
    // A page that is loaded with an open execution begins where every page begins.
    if (before !== body) title.current?.focus({ preventScroll: true });
    return () => {
      if (document.activeElement !== body) return;
      const isThere = before !== body && before?.isConnected;
      const target = isThere ? before : document.getElementById("view");
      if (target instanceof HTMLElement) target.focus({ preventScroll: true });
    };
  }, [title]);
}
