import { IconButton, Menu } from "../design";
import type { ExecutionState } from "../generated/graphql";
import { useViewer } from "../gateway";
import { ACTIONS, ALL_ACTIONS } from "./action";
import { useActing } from "./ActingProvider";
import { targetOf } from "./target";

/** What can be done with one execution. */
export function ActionMenu({ guid, state }: { guid: string; state: ExecutionState }) {
  const { begin } = useActing();
  const { whyNot } = useViewer();
  return (
    <Menu
      label="Actions"
      placement={{ align: "end" }}
      trigger={(attributes) => <IconButton icon="more" label="Actions" {...attributes} />}
      items={ALL_ACTIONS.map((action) => {
        const { verb, icon, keys, scope, state: next } = ACTIONS[action];
        const hasEnded = next !== null && state !== "INPROGRESS";
        return {
          name: verb,
          icon,
          keys,
          isDangerous: next === null,
          off: whyNot(scope) ?? (hasEnded ? "It is not in progress" : undefined),
          choose: () => begin(action, targetOf([guid])),
        };
      })}
    />
  );
}
