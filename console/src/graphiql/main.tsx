import "./workers";
import "../shared/tokens.css";
import "../shared/visually-hidden.css";
import "./graphiql.css";

import { createRoot } from "react-dom/client";

import { Page } from "./Page";

createRoot(document.getElementById("console")!).render(<Page />);
