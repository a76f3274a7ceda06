import "../shared/tokens.css";
import "../shared/visually-hidden.css";
import "./base.css";

import { createRoot } from "react-dom/client";

import { App } from "./App";

const root = document.getElementById("console");
if (new URL(document.baseURI).username !== "") {
  // Nothing can be asked for below a URL with a name and a password in it; the browser knows both.
  location.replace(location.href);
} else if (root) {
  createRoot(root).render(<App />);
}
