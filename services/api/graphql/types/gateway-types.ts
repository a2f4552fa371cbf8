import { contracts } from "../../../registry.ts";
// Loaded for the catalogue of errors, which has those of the loaded modules.
import "../../api.errors.ts";
import { pageInfoType } from "../schema/connections.ts";
import { operationsTypes } from "../../operations/operations-fields.ts";
import { dateTimeType } from "./date-time.ts";
import { nodeTypes } from "./nodes.ts";
import { errorCodeType, openEnumTypes } from "./open-enums.ts";
import { uuidType } from "./uuid.ts";

/** Returns the types and fields that no contract declares in SDL. */
export function gatewayTypes(): string {
  return [
    errorCodeType(),
    openEnumTypes(contracts),
    nodeTypes,
    operationsTypes,
    pageInfoType,
    dateTimeType,
    uuidType,
  ].join("\n");
}
