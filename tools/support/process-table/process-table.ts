import { darwin } from "./darwin.ts";
import { linux } from "./linux.ts";
import type { ProcessTable } from "./interface.ts";

export const processTable: ProcessTable = process.platform === "darwin" ? darwin() : linux;
