import type { Plugin } from "vite";

const STYLESHEET = /<link rel="stylesheet"[^>]*href="\.\/(assets\/[^"]+\.css)"[^>]*>/g;

/**
 * Puts the styles of the console's page into it, so that it shows something as soon as it is there:
 * on a slow network a file of styles takes as long as the page. The gateway allows them by their
 * hash. GraphiQL's are too long for that.
 */
export function inlineStyles(): Plugin {
  return {
    name: "inline-styles",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle, path }) {
        if (path !== "/index.html") return html;
        return html.replace(STYLESHEET, (link, file: string) => {
          const styles = bundle?.[file];
          if (styles?.type !== "asset") return link;
          const text = styles.source.toString().trim();
          // What is beside the file is not beside the page.
          if (text.includes("url(")) return link;
          // Scripts that are loaded later need the styles too, and look for their link.
          return `<style>${text}</style>${link.replace("<link", "<link disabled")}`;
        });
      },
    },
  };
}
