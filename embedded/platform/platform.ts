import { darwin } from "./darwin.ts";
import { linux } from "./linux.ts";
import type { Platform } from "./interface.ts";

export const platform: Platform = process.platform === "darwin" ? darwin() : linux;
