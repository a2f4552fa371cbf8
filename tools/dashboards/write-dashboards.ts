import { writeFiles } from "../reference/generated-files.ts";
import { dashboardFiles } from "./dashboard-files.ts";

/** `npm run dashboards`: writes the dashboards for Grafana and the alert rules for Kubernetes. */

writeFiles(await dashboardFiles());
