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
          choose: () => copy(curlOf(guid, restUrl(), hasKey), "The curl command"),
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

/** Where the gateway answers REST, which it writes into the page. */
function restUrl(): string {
  const written = document.querySelector<HTMLMetaElement>("meta[name=rest]")?.content;
  return new URL(written ?? "executions", location.href).href;
}
