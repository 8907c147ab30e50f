// The page's start.

import { render } from "preact";

import { App } from "./app";
import { listen } from "./live";
import { language } from "./strings";

document.documentElement.lang = language;
const panel = document.getElementById("panel")!;
render(<App />, panel);
panel.removeAttribute("aria-busy");
listen();
