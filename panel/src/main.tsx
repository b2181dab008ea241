import { render } from "preact";
import { App, markDocument } from "./app";
import { follow } from "./state/preferences";
import { start } from "./state/session";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/blocks.css";
import "./styles/tables.css";
import "./styles/charts.css";
import "./styles/overlays.css";
import "./styles/manage.css";

follow();
markDocument();
render(<App />, document.getElementById("app")!);
void start();
