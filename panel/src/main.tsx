import { render } from "preact";
import { timeZone } from "./api/analytics";
import { App, markDocument } from "./app";
import { fmt } from "./i18n/language";
import { listenWhileShown } from "./state/live";
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
import "./styles/config.css";
import "./styles/logs.css";

follow();
markDocument();
render(<App />, document.getElementById("app")!);
void start();
listenWhileShown();
// What is slow when it is first used is used while the first answers are awaited.
setTimeout(() => {
  fmt.value.clock(Date.now());
  timeZone();
});
