import { urlOf } from "../address";
import { IconButton, Menu, useCopy } from "../design";
import { useAccess } from "../gateway";
import { curlOf, graphqlOf } from "./copies";

/** Copies an execution in several forms. */
export function CopyMenu({ guid }: { guid: string }) {
  const copy = useCopy();
  const { hasKey } = useAccess();
  return (
    <Menu
      label="Copy"
      placement={{ align: "end" }}
      trigger={(attributes) => <IconButton icon="copy" label="Copy" {...attributes} />}
      items={[
        {
          name: "Copy link",
          icon: "link",
          choose: () => copy(new URL(urlOf({ execution: guid }), location.href).href, "The link"),
        },
        {
          name: "Copy as curl",
          icon: "copy",
          choose: () => copy(curlOf(guid, document.baseURI, hasKey), "The curl command"),
        },
        {
          name: "Copy as GraphQL",
          icon: "explore",
          choose: () => copy(graphqlOf(guid), "The query"),
        },
        { name: "Copy guid", icon: "copy", choose: () => copy(guid, "The guid") },
      ]}
    />
  );
}
