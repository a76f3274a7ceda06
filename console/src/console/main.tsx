import "../shared/tokens.css";
import "./base.css";

import { createRoot } from "react-dom/client";

import { App } from "./App";

const root = document.getElementById("console");
if (root) createRoot(root).render(<App />);
