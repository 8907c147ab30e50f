// The first file: the page's language, and then all else, whose modules use its words while they load.

import { loadStrings } from "./strings";

void loadStrings().then(() => import("./start"));
